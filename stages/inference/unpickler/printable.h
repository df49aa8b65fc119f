// Text out of a file that nobody vouches for, made fit for a terminal and a log line.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace millrace {

// Control characters and bytes above ASCII as \xNN; at most 160 bytes of the text.
inline std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 160;
  std::string out;
  for (const char character : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte < 0x7f) {
      out += character;
    } else {
      char escaped[5];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    }
  }
  if (text.size() > kMost) out += "...";
  return out;
}

}  // namespace millrace
