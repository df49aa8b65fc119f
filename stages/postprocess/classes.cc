#include "stages/postprocess/classes.h"

namespace millrace {

std::string ClassName(std::uint8_t label) {
  if (label < kClassNames.size()) return std::string(kClassNames[label]);
  return "class-" + std::to_string(label);
}

std::optional<std::uint8_t> ClassLabel(std::string_view name) {
  for (std::size_t label = 0; label < kClassNames.size(); ++label) {
    if (kClassNames[label] == name) return static_cast<std::uint8_t>(label);
  }
  return std::nullopt;
}

}  // namespace millrace
