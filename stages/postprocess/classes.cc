#include "stages/postprocess/classes.h"

namespace millrace {
namespace {

constexpr std::size_t kLabels = 256;

std::string NumberedClassName(std::size_t label) { return "class-" + std::to_string(label); }

}  // namespace

std::string ClassName(std::uint8_t label) {
  if (label < kClassNames.size()) return std::string(kClassNames[label]);
  return NumberedClassName(label);
}

std::optional<std::uint8_t> ClassLabel(std::string_view name) {
  for (std::size_t label = 0; label < kClassNames.size(); ++label) {
    if (kClassNames[label] == name) return static_cast<std::uint8_t>(label);
  }
  for (std::size_t label = 0; label < kLabels; ++label) {
    if (NumberedClassName(label) == name) return static_cast<std::uint8_t>(label);
  }
  return std::nullopt;
}

std::vector<std::string> NumberedClassNames() {
  std::vector<std::string> names;
  for (std::size_t label = 0; label < kLabels; ++label) names.push_back(NumberedClassName(label));
  return names;
}

}  // namespace millrace
