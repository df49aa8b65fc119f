#include "common/base/json_text.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace millrace {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// The length of the valid UTF-8 sequence at the start of `bytes`; 0 where there is none.
// The ranges are those of table 3-7 of the Unicode standard.
std::size_t Utf8Length(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto tail = [&](std::size_t i) { return i < bytes.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xE0 && at(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && at(1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xF0 && at(1) < 0x90) return 0;  // overlong
    if (first == 0xF4 && at(1) > 0x8F) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

void AppendEscaped(std::string& out, std::string_view prefix, unsigned char byte) {
  out += prefix;
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

void AppendUtf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

std::optional<std::uint32_t> FourHexDigits(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    value <<= 4;
    if (c >= '0' && c <= '9') {
      value |= static_cast<std::uint32_t>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      value |= static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// Reads what follows "\u" at the start of `rest` and appends it; the characters used up, 0 where it
// is malformed.
std::size_t AppendUnicodeEscape(std::string& out, std::string_view rest) {
  const auto unit = FourHexDigits(rest);
  if (!unit) return 0;
  if (*unit < 0xD800 || *unit > 0xDFFF) {
    AppendUtf8(out, *unit);
    return 4;
  }
  if (*unit >= 0xDC80 && *unit <= 0xDCFF) {
    out += static_cast<char>(*unit & 0xFF);
    return 4;
  }
  if (*unit < 0xDC00 && rest.size() >= 10 && rest[4] == '\\' && rest[5] == 'u') {
    const auto low = FourHexDigits(rest.substr(6));
    if (low && *low >= 0xDC00 && *low <= 0xDFFF) {
      AppendUtf8(out, 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00));
      return 10;
    }
  }
  return 0;
}

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) {
    ++at;
  }
  return at;
}

// The position of the quote that ends the string whose first character is at `at`; npos where there
// is none.
std::size_t EndOfString(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at < text.size() ? at : std::string_view::npos;
}

// The position after the value at `at`, of any type, without recursion; npos where it does not end.
std::size_t EndOfValue(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = EndOfString(text, at + 1);
      if (at == std::string_view::npos) return at;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      --depth;
    } else if (c == ',' && depth == 0) {
      return at;
    }
    ++at;
  }
  return std::string_view::npos;
}

tl::unexpected<Error> NoMember(std::string_view kind, std::string_view name) {
  return Fail(ErrorCode::kNotFound, "no " + std::string(kind) + " member " + std::string(name));
}

// What stands behind the name of the first member of that name, with any space behind it.
Result<std::string_view> ValueOfMember(std::string_view object, std::string_view name) {
  const auto malformed = [] { return Fail(ErrorCode::kProtocol, "not a JSON object"); };
  std::size_t at = SkipSpace(object, 0);
  if (at >= object.size() || object[at] != '{') return malformed();
  at = SkipSpace(object, at + 1);
  if (at < object.size() && object[at] == '}') return NoMember("such", name);
  while (at < object.size() && object[at] == '"') {
    const std::size_t key_end = EndOfString(object, at + 1);
    if (key_end == std::string_view::npos) return malformed();
    ASSIGN_OR_RETURN(const std::string key,
                     BytesFromJsonText(object.substr(at + 1, key_end - at - 1)));
    at = SkipSpace(object, key_end + 1);
    if (at >= object.size() || object[at] != ':') return malformed();
    at = SkipSpace(object, at + 1);
    const std::size_t end = EndOfValue(object, at);
    if (end == std::string_view::npos) return malformed();
    if (key == name) return object.substr(at, end - at);
    if (object[end] == '}') return NoMember("such", name);
    if (object[end] != ',') return malformed();
    at = SkipSpace(object, end + 1);
  }
  return malformed();
}

template <typename Number>
Result<Number> NumberMember(std::string_view object, std::string_view name, std::string_view kind) {
  ASSIGN_OR_RETURN(const std::string_view value, ValueOfMember(object, name));
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const auto used = static_cast<std::size_t>(end - value.data());
  if (error != std::errc() || SkipSpace(value, used) != value.size()) return NoMember(kind, name);
  return number;
}

}  // namespace

std::string JsonEscapeBytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 8);
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const std::size_t length = Utf8Length(bytes);
    if (length == 0) {
      AppendEscaped(out, "\\udc", first);
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += bytes[0];
    } else if (first == '\n') {
      out += "\\n";
    } else if (first == '\t') {
      out += "\\t";
    } else if (first == '\r') {
      out += "\\r";
    } else if (first < 0x20 || first == 0x7F) {
      AppendEscaped(out, "\\u00", first);
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

Result<std::string> BytesFromJsonText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || static_cast<unsigned char>(c) < 0x20) {
      return Fail(ErrorCode::kProtocol,
                  "a JSON string holds an unescaped quote or control character at byte " +
                      std::to_string(i));
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t start = i++;
    const std::size_t letter = i < text.size() ? kLetters.find(text[i]) : std::string_view::npos;
    if (letter != std::string_view::npos) {
      out += kMeanings[letter];
      continue;
    }
    const std::size_t used =
        i < text.size() && text[i] == 'u' ? AppendUnicodeEscape(out, text.substr(i + 1)) : 0;
    if (used == 0) {
      return Fail(ErrorCode::kProtocol,
                  "a JSON string holds a malformed escape at byte " + std::to_string(start));
    }
    i += used;
  }
  return out;
}

Result<std::string> JsonTextMember(std::string_view object, std::string_view name) {
  ASSIGN_OR_RETURN(const std::string_view value, ValueOfMember(object, name));
  if (!value.starts_with('"')) return NoMember("text", name);
  return BytesFromJsonText(value.substr(1, EndOfString(value, 1) - 1));
}

Result<std::int64_t> JsonIntegerMember(std::string_view object, std::string_view name) {
  return NumberMember<std::int64_t>(object, name, "integer");
}

Result<double> JsonNumberMember(std::string_view object, std::string_view name) {
  return NumberMember<double>(object, name, "number");
}

}  // namespace millrace
