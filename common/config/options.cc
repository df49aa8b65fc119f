#include "common/config/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace millrace {
namespace {

[[noreturn]] void Fatal(const std::string& text) {
  std::fputs((text + "\n").c_str(), stderr);
  std::abort();
}

// The index in OptionValue of what a type is held as.
std::size_t HeldAs(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return 0;
    case OptionType::kInteger:
    case OptionType::kBytes:
      return 1;
    case OptionType::kNumber:
      return 2;
    case OptionType::kText:
    case OptionType::kPath:
    case OptionType::kChoice:
      return 3;
    case OptionType::kDuration:
      return 4;
    case OptionType::kList:
      return 5;
  }
  Fatal("option type out of range");
}

template <typename T>
const T& Get(const OptionValue* value, std::string_view name, std::string_view type) {
  if (value == nullptr) Fatal(fmt::format("option {} was asked for and has no value", name));
  const T* held = std::get_if<T>(value);
  if (held == nullptr)
    Fatal(fmt::format("option {} was asked for as {}, which it is not", name, type));
  return *held;
}

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

OptionSchema& OptionSchema::Add(OptionSpec spec) {
  if (Find(spec.name) != nullptr) Fatal(fmt::format("option {} is declared twice", spec.name));
  if (spec.default_value && spec.default_value->index() != HeldAs(spec.type)) {
    Fatal(fmt::format("option {} has a default of another type", spec.name));
  }
  specs_.push_back(std::move(spec));
  return *this;
}

OptionSchema& OptionSchema::AllowSandbox() {
  sandbox_allowed_ = true;
  return *this;
}

const OptionSpec* OptionSchema::Find(std::string_view name) const {
  const auto found = std::ranges::find(specs_, name, &OptionSpec::name);
  return found == specs_.end() ? nullptr : &*found;
}

const OptionValue* Options::Find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

bool Options::Has(std::string_view name) const { return Find(name) != nullptr; }

bool Options::Bool(std::string_view name) const { return Get<bool>(Find(name), name, "bool"); }

std::int64_t Options::Integer(std::string_view name) const {
  return Get<std::int64_t>(Find(name), name, "integer");
}

double Options::Number(std::string_view name) const {
  return Get<double>(Find(name), name, "number");
}

const std::string& Options::Text(std::string_view name) const {
  return Get<std::string>(Find(name), name, "text");
}

Duration Options::Time(std::string_view name) const {
  return Get<Duration>(Find(name), name, "duration");
}

std::int64_t Options::Bytes(std::string_view name) const {
  return Get<std::int64_t>(Find(name), name, "bytes");
}

const std::vector<std::string>& Options::List(std::string_view name) const {
  return Get<std::vector<std::string>>(Find(name), name, "list");
}

Options Options::Defaults(const OptionSchema& schema) {
  Options options;
  for (const OptionSpec& spec : schema.specs()) {
    if (spec.default_value) options.Set(spec.name, *spec.default_value);
  }
  return options;
}

std::string NearestName(std::string_view name, const std::vector<std::string>& known) {
  // Names are short; a long one is nobody's slip of a finger, and the distance costs its square.
  constexpr std::size_t kMaxName = 128;
  if (name.size() > kMaxName) return "";
  std::string nearest;
  std::size_t best = std::min<std::size_t>(3, std::max<std::size_t>(1, name.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > kMaxName) continue;
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace millrace
