#include "broker/state/redone.h"

#include <array>
#include <charconv>

namespace millrace {

std::string Redone::Encode() const {
  if (*this == Redone()) return "";
  std::string text;
  for (const std::int64_t number : {by_stages, by_file, by_output, recipe}) {
    text += (text.empty() ? "" : " ") + std::to_string(number);
  }
  return text;
}

Redone Redone::Decode(std::string_view text) {
  Redone redone;
  for (std::int64_t* number :
       {&redone.by_stages, &redone.by_file, &redone.by_output, &redone.recipe}) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
    if (error != std::errc()) return redone;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return redone;
}

}  // namespace millrace
