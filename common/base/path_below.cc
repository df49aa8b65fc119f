#include "common/base/path_below.h"

#include <cstddef>

namespace millrace {
namespace {

bool HoldsNul(std::string_view path) { return path.find('\0') != std::string_view::npos; }

}  // namespace

bool IsPathBelow(std::string_view path) {
  if (HoldsNul(path)) return false;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty() || component == "." || component == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool IsAbsolutePath(std::string_view path) { return path.starts_with('/') && !HoldsNul(path); }

}  // namespace millrace
