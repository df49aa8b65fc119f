#include "cli/check/listed_file.h"

#include <fmt/format.h>

#include <cerrno>

namespace millrace::cli {

tl::expected<ListedFile, ActResult> FindListedFile(const FileVerdict& verdict) {
  const auto leave = [](const char* why) {
    return tl::unexpected(ActResult{Acted::kLeftAlone, why});
  };
  if (KindOf(verdict.code) != VerdictKind::kPixelsLost) return leave("it has lost no pixels");
  OsResult<Place> place = OpenPlace(verdict.input, verdict.path);
  if (!place && place.error() == ELOOP) return leave("it lies behind a symbolic link");
  if (!place) return tl::unexpected(CannotAct("reach", place.error()));
  const OsResult<struct stat> found = place->Look();
  if (!found) return tl::unexpected(CannotAct("look at", found.error()));
  if (S_ISLNK(found->st_mode)) return leave("it is a symbolic link");
  if (!S_ISREG(found->st_mode)) return leave("it is no regular file any more");
  const FileStamp stamp = StampOf(*found);
  const bool as_empty_as_before = verdict.code == "empty" && stamp.bytes == 0;
  if (!as_empty_as_before && (!verdict.bytes || !verdict.mtime_ns)) {
    return leave("its size and time were not recorded");
  }
  if ((verdict.bytes && *verdict.bytes != stamp.bytes) ||
      (verdict.mtime_ns && *verdict.mtime_ns != stamp.mtime_ns)) {
    return leave("it has changed since it was checked");
  }
  return ListedFile{*std::move(place), stamp};
}

ActResult CannotAct(const char* what, int error_number) {
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return {Acted::kGone, "it is not there any more"};
  }
  return {Acted::kFailed, fmt::format("cannot {} it: {}", what, ErrnoText(error_number))};
}

}  // namespace millrace::cli
