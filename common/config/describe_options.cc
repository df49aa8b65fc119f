#include "common/config/describe_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/config/units.h"

namespace millrace {
namespace {

constexpr std::size_t kNameColumns = 36;
constexpr std::size_t kColumns = 110;

// A bound as it is written, in the unit of the type.
std::string BoundText(const OptionSpec& spec, double bound) {
  if (spec.type == OptionType::kNumber) return fmt::format("{}", bound);
  if (spec.type == OptionType::kDuration) {
    return FormatDuration(
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bound)));
  }
  const auto whole = static_cast<std::int64_t>(std::llround(bound));
  return spec.type == OptionType::kBytes ? FormatBytes(whole) : std::to_string(whole);
}

// "1 to 100"; "" where anything may stand there.
std::string ValuesText(const OptionSpec& spec) {
  if (spec.type == OptionType::kBool) return "true or false";
  if (!spec.choices.empty()) {
    return fmt::format("{}{}", spec.type == OptionType::kList ? "any of " : "",
                       fmt::join(spec.choices, ", "));
  }
  if (spec.min && spec.max) {
    return BoundText(spec, *spec.min) + " to " + BoundText(spec, *spec.max);
  }
  if (spec.min) return "at least " + BoundText(spec, *spec.min);
  if (spec.max) return "at most " + BoundText(spec, *spec.max);
  if (spec.type == OptionType::kList) return "a list";
  if (spec.type == OptionType::kPath) return "a path";
  return "";
}

std::string Sentence(const OptionSpec& spec, const Options* chosen) {
  std::string text = spec.help;
  if (text.ends_with('.')) text.pop_back();
  const std::string values = ValuesText(spec);
  text += fmt::format(" [{}{}{}", values, values.empty() ? "" : "; ",
                      spec.required ? "required" : "default " + OptionDefaultText(spec));
  const OptionValue* value = chosen == nullptr ? nullptr : chosen->Find(spec.name);
  if (value != nullptr && spec.default_value != *value) {
    text += "; here " + OptionValueText(spec, *value);
  }
  return text + "]";
}

// Words until the column, the further lines indented.
void AppendWrapped(std::string_view text, std::size_t indent, std::string& out) {
  std::size_t column = indent;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!first && column + 1 + word.size() > kColumns) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      column += 1;
    }
    out += word;
    column += word.size();
    first = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::string OptionValueText(const OptionSpec& spec, const OptionValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return spec.type == OptionType::kBytes ? FormatBytes(*whole) : std::to_string(*whole);
  }
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* duration = std::get_if<Duration>(&value)) return FormatDuration(*duration);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    return list->empty() ? "none" : fmt::format("{}", fmt::join(*list, ", "));
  }
  return std::get<std::string>(value);
}

std::string OptionDefaultText(const OptionSpec& spec) {
  if (spec.required) return "required";
  return spec.default_value ? OptionValueText(spec, *spec.default_value) : "none";
}

std::string DescribeOptions(const OptionSchema& schema, std::string_view prefix,
                            const Options* chosen) {
  std::string out;
  for (const OptionSpec& spec : schema.specs()) {
    const std::string name = fmt::format("  {}{}", prefix, spec.name);
    out += fmt::format("{:<{}}", name, kNameColumns);
    if (name.size() >= kNameColumns) out += '\n' + std::string(kNameColumns, ' ');
    AppendWrapped(Sentence(spec, chosen), kNameColumns, out);
    out += '\n';
  }
  return out;
}

}  // namespace millrace
