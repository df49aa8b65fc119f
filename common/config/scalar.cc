#include "common/config/scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "common/config/decimal.h"
#include "common/config/units.h"

namespace millrace {
namespace {

using Read = tl::expected<OptionValue, Refusal>;

tl::unexpected<Refusal> Refuse(std::string what, std::string cure) {
  return tl::unexpected<Refusal>(Refusal{std::move(what), std::move(cure)});
}

// For messages; a value may be a megabyte.
std::string Shown(std::string_view text) {
  return text.size() <= 60 ? fmt::format("\"{}\"", text)
                           : fmt::format("\"{}\"...", text.substr(0, 60));
}

std::string Bound(const OptionSpec& spec, double bound) {
  switch (spec.type) {
    case OptionType::kDuration:
      return FormatDuration(
          std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bound)));
    case OptionType::kBytes:
      return FormatBytes(static_cast<std::int64_t>(bound));
    default:
      return fmt::format("{}", bound);
  }
}

std::string Range(const OptionSpec& spec) {
  if (spec.min && spec.max) {
    return fmt::format(" from {} to {}", Bound(spec, *spec.min), Bound(spec, *spec.max));
  }
  if (spec.min) return fmt::format(" of at least {}", Bound(spec, *spec.min));
  if (spec.max) return fmt::format(" of at most {}", Bound(spec, *spec.max));
  return "";
}

// What a number that is none was meant to be, where that can be told.
std::string NumberCure(const OptionSpec& spec, std::string_view text) {
  std::string digits;
  bool only_separators = !text.empty();
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c != '_' && c != '+') {
      only_separators = false;
    }
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (only_separators && !digits.empty() && digits.size() < 19) {
    return fmt::format("write {}: decimal, without a leading zero, + or _", digits);
  }
  return fmt::format("write a {}, in decimal", Expected(spec));
}

Read CheckRange(const OptionSpec& spec, double value, std::string_view text, OptionValue result) {
  if ((spec.min && value < *spec.min) || (spec.max && value > *spec.max)) {
    return Refuse(fmt::format("{} is out of range", Shown(text)),
                  fmt::format("write a {}", Expected(spec)));
  }
  return result;
}

Read ReadNumber(const OptionSpec& spec, std::string_view text) {
  const std::optional<double> value = ParseNumber(text);
  if (!value) {
    return Refuse(fmt::format("{} is not a number", Shown(text)), NumberCure(spec, text));
  }
  return CheckRange(spec, *value, text, *value);
}

Read ReadInteger(const OptionSpec& spec, std::string_view text) {
  const std::optional<std::int64_t> value = ParseInteger(text);
  if (!value) {
    return Refuse(fmt::format("{} is not a whole number", Shown(text)), NumberCure(spec, text));
  }
  return CheckRange(spec, static_cast<double>(*value), text, *value);
}

Read ReadBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  std::string cure = "write true or false";
  for (const std::string_view yes : {"yes", "Yes", "YES", "on", "On", "ON", "True", "TRUE", "1"}) {
    if (text == yes) cure = "write true";
  }
  for (const std::string_view no : {"no", "No", "NO", "off", "Off", "OFF", "False", "FALSE", "0"}) {
    if (text == no) cure = "write false";
  }
  return Refuse(fmt::format("{} is neither true nor false", Shown(text)), cure);
}

std::optional<Refusal> NotAChoice(const OptionSpec& spec, const std::string& text) {
  for (const auto* choices : {&spec.choices, &spec.unlisted_choices}) {
    if (std::ranges::find(*choices, text) != choices->end()) return std::nullopt;
  }
  const std::string nearest = NearestName(text, spec.choices);
  return Refusal{fmt::format("{} is none of the values known", Shown(text)),
                 nearest.empty() ? fmt::format("write one of {}", fmt::join(spec.choices, ", "))
                                 : fmt::format("did you mean \"{}\"? The values are {}", nearest,
                                               fmt::join(spec.choices, ", "))};
}

Read ReadList(const OptionSpec& spec, const ConfigNode& value) {
  std::vector<std::string> list;
  if (value.kind == ConfigNode::Kind::kScalar && value.loose) {
    // On a command line, a list is written with commas.
    for (std::size_t at = 0; at <= value.text.size() && !value.text.empty();) {
      const std::size_t comma = std::min(value.text.find(',', at), value.text.size());
      const std::string_view item = std::string_view(value.text).substr(at, comma - at);
      const std::size_t first = std::min(item.find_first_not_of(' '), item.size());
      list.emplace_back(item.substr(first, item.find_last_not_of(' ') + 1 - first));
      at = comma + 1;
    }
  } else if (value.kind == ConfigNode::Kind::kScalar) {
    list.push_back(value.text);  // `what: mask` for `what: [mask]`
  } else if (value.kind != ConfigNode::Kind::kList) {
    return Refuse(fmt::format("{} where a {} belongs", KindName(value.kind), Expected(spec)),
                  "write [a, b]");
  }
  for (const ConfigNode& item : value.items) {
    if (item.kind != ConfigNode::Kind::kScalar) {
      return Refuse(fmt::format("{} inside of a list of names", KindName(item.kind)),
                    "write [a, b]");
    }
    list.push_back(item.text);
  }
  for (const std::string& item : list) {
    if (spec.choices.empty()) continue;
    if (auto refusal = NotAChoice(spec, item)) return tl::unexpected<Refusal>(*refusal);
  }
  return list;
}

template <typename T>
Read WithUnit(const OptionSpec& spec, std::string_view text, Result<T> parsed) {
  if (!parsed) {
    const std::string& message = parsed.error().message;
    const std::size_t semicolon = std::min(message.rfind("; "), message.size());
    return Refuse(message.substr(0, semicolon),
                  semicolon < message.size() ? message.substr(semicolon + 2) : "");
  }
  double value = 0;
  if constexpr (std::is_same_v<T, Duration>) {
    value = std::chrono::duration<double>(*parsed).count();
  } else {
    value = static_cast<double>(*parsed);
  }
  return CheckRange(spec, value, text, *parsed);
}

Read ReadPath(const ConfigNode& value) {
  if (value.text.empty()) return Refuse("an empty path", "name a file or a folder");
  // A join with an absolute path is that path.
  return (std::filesystem::path(value.origin->relative_to) / value.text)
      .lexically_normal()
      .string();
}

}  // namespace

std::string Expected(const OptionSpec& spec) {
  switch (spec.type) {
    case OptionType::kBool:
      return "true or false";
    case OptionType::kInteger:
      return "whole number" + Range(spec);
    case OptionType::kNumber:
      return "number" + Range(spec);
    case OptionType::kText:
      return "text";
    case OptionType::kPath:
      return "path";
    case OptionType::kDuration:
      return "duration" + Range(spec);
    case OptionType::kBytes:
      return "size" + Range(spec);
    case OptionType::kChoice:
      return fmt::format("one of {}", fmt::join(spec.choices, ", "));
    case OptionType::kList:
      return spec.choices.empty() ? "list"
                                  : fmt::format("list of {}", fmt::join(spec.choices, ", "));
  }
  return "";
}

Read ReadValue(const OptionSpec& spec, const ConfigNode& value) {
  if (spec.type == OptionType::kList) return ReadList(spec, value);
  if (value.kind != ConfigNode::Kind::kScalar) {
    return Refuse(fmt::format("{} where a {} belongs", KindName(value.kind), Expected(spec)),
                  "write one value on this line");
  }
  const bool is_text = spec.type == OptionType::kText || spec.type == OptionType::kPath ||
                       spec.type == OptionType::kChoice;
  if (!is_text && value.quoted && !value.loose) {
    return Refuse(fmt::format("a text where a {} belongs", Expected(spec)), "remove the quotes");
  }
  switch (spec.type) {
    case OptionType::kBool:
      return ReadBool(value.text);
    case OptionType::kInteger:
      return ReadInteger(spec, value.text);
    case OptionType::kNumber:
      return ReadNumber(spec, value.text);
    case OptionType::kText:
      return value.text;
    case OptionType::kPath:
      return ReadPath(value);
    case OptionType::kDuration:
      return WithUnit(spec, value.text, ParseDuration(value.text));
    case OptionType::kBytes:
      return WithUnit(spec, value.text, ParseBytes(value.text));
    case OptionType::kChoice:
      if (auto refusal = NotAChoice(spec, value.text)) return tl::unexpected<Refusal>(*refusal);
      return value.text;
    case OptionType::kList:
      break;
  }
  return Refuse("a value of no known type", "");
}

std::string ValueText(OptionType type, const OptionValue& value) {
  switch (type) {
    case OptionType::kBool:
      return std::get<bool>(value) ? "true" : "false";
    case OptionType::kInteger:
      return fmt::format("{}", std::get<std::int64_t>(value));
    case OptionType::kNumber:
      return fmt::format("{}", std::get<double>(value));
    case OptionType::kText:
    case OptionType::kPath:
    case OptionType::kChoice:
      return std::get<std::string>(value);
    case OptionType::kDuration:
      return FormatDuration(std::get<Duration>(value));
    case OptionType::kBytes:
      return FormatBytes(std::get<std::int64_t>(value));
    case OptionType::kList:
      return fmt::format("{}", fmt::join(std::get<std::vector<std::string>>(value), ","));
  }
  return "";
}

}  // namespace millrace
