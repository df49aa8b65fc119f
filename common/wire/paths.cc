#include "common/wire/paths.h"

#include "common/base/path_below.h"

namespace millrace::wire {
namespace {

constexpr std::size_t kShownBytes = 200;

std::string Shown(std::string_view given) {
  std::string text = "'" + std::string(given.substr(0, kShownBytes));
  if (given.size() > kShownBytes) text += "...";
  return text + "'";
}

}  // namespace

bool IsOutputPath(std::string_view path) {
  return IsPathBelow(path) && path.substr(0, path.find('/')) != ".millrace";
}

std::string NoOutputPath(std::string_view given) {
  return "its output " + Shown(given) + " is not a path below OUTPUT and outside OUTPUT/.millrace";
}

std::string NoKey(std::string_view given) {
  return "its name " + Shown(given) + " is not a path below INPUT";
}

}  // namespace millrace::wire
