// What one run tells the scanner: filters and lists. They travel in RunInfo.options under the names
// below, and are written and read here alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/payload/meta.h"

namespace millrace {

// Names in RunInfo.options.
inline constexpr std::string_view kIncludeOption = "include";  // text: patterns, one a line
inline constexpr std::string_view kExcludeOption = "exclude";  // text: patterns, one a line
inline constexpr std::string_view kLimitOption = "limit";      // integer
inline constexpr std::string_view kSampleOption = "sample";    // integer
inline constexpr std::string_view kNoDefaultExcludesOption = "no_default_excludes";  // bool
inline constexpr std::string_view kFollowSymlinksOption = "follow_symlinks";         // bool
inline constexpr std::string_view kChecksumOption = "checksum";                      // bool
inline constexpr std::string_view kFilesFromOption = "files_from";         // text: absolute path
inline constexpr std::string_view kFilesFromNulOption = "files_from_nul";  // bool
inline constexpr std::string_view kOnlyOption = "only";                    // text: a key
inline constexpr std::string_view kSkipListOption = "skip_list";           // text: absolute path

struct ScanRunOptions {
  // Patterns as in glob.h. With `include`, only files that one of them covers are looked at;
  // `exclude` wins over it. What they leave out is skipped as "excluded": a file each, or one item
  // for a folder that is not entered.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // The scan ends after this many images, counting files that are named like one; 0: all.
  std::int64_t limit = 0;
  // This many images, spread evenly over all there are and the same ones each time; 0: all. What is
  // not drawn is no part of the run, and neither is what is no image. Costs a walk of its own.
  std::int64_t sample = 0;
  // What is no picture of anybody's (default_excludes.h) is walked and taken too.
  bool no_default_excludes = false;
  // Links that lead out of INPUT are followed too; else they are skipped as "outside-input".
  bool follow_symlinks = false;
  // A list of files instead of a walk: one path a line (or ended by NUL each), absolute or relative
  // to INPUT. The file must stay as it is while the run lasts.
  std::string files_from;
  bool files_from_nul = false;
  // One file of INPUT, and nothing else.
  std::string only;
  // A list of files that are known to be broken (known_broken.h): skipped as "broken" where they
  // have not changed since. The file must stay as it is while the run lasts.
  std::string skip_list;
  // Every image is read, and known again by what it holds instead of by the time of its last
  // change: for trees whose times mean nothing (fetched anew, copied without them).
  bool checksum = false;

  // Leaves out what has its default, so that an ordinary run's options are empty.
  void WriteTo(Meta& meta) const;
  // kUsage for a malformed pattern, a negative count, or options that exclude each other: `limit`
  // and `sample`, `files_from` and `only`. The submitter calls it too, to say so before anything
  // starts.
  static Result<ScanRunOptions> ReadFrom(const Meta& meta);

  // Whether the scan must tell images from other files, not only pass on what may be one: to count
  // them, or to read no film to its end.
  [[nodiscard]] bool TellsImages() const { return limit > 0 || sample > 0 || checksum; }
  // Whether all there is in INPUT gets named, so that what is not is gone.
  [[nodiscard]] bool NamesAll() const {
    return include.empty() && exclude.empty() && limit == 0 && sample == 0 && files_from.empty() &&
           only.empty();
  }

  friend bool operator==(const ScanRunOptions&, const ScanRunOptions&) = default;
};

}  // namespace millrace
