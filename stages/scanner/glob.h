// Patterns of --include and --exclude, over paths relative to INPUT, byte by byte.
//
//   *.jpg        no slash: matches the name of a file or folder at any depth
//   2024/*.jpg   with a slash: matches the whole path; a leading slash anchors a single name
//   raw/         ends in a slash: folders only
//   a/**/b       ** between slashes: any number of folders, none included; a/** is all inside a
//   ? [a-z] [!x] one byte, never a slash; \ takes the next byte as it is
//
// A pattern that matches a folder covers everything inside it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace millrace {

class Glob {
 public:
  // kUsage, naming the pattern and what is wrong, for an empty pattern, an unclosed [ or a \ at the
  // end.
  static Result<Glob> Parse(std::string_view pattern);

  // Whether the path itself, or a folder that it lies in, matches. Time is bounded by the product
  // of the two lengths and the path's depth.
  [[nodiscard]] bool Covers(std::string_view path, bool is_directory) const;

 private:
  explicit Glob(std::string pattern, bool directories_only)
      : pattern_(std::move(pattern)), directories_only_(directories_only) {}

  std::string pattern_;  // always against the whole path: "*.jpg" is held as "**/*.jpg"
  bool directories_only_;
};

// Whether any of the patterns covers the path.
bool AnyCovers(const std::vector<Glob>& globs, std::string_view path, bool is_directory);

}  // namespace millrace
