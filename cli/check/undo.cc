#include "cli/check/undo.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace millrace::cli {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
// Of the coarsest file systems' times, which are even seconds.
constexpr std::int64_t kTimeTolerance = 2 * kNanosecondsPerSecond;

bool IsThatFile(const struct stat& status, const FileStamp& stamp) {
  return S_ISREG(status.st_mode) && status.st_size == stamp.bytes &&
         std::llabs(StampOf(status).mtime_ns - stamp.mtime_ns) < kTimeTolerance;
}

OsResult<struct stat> LookAt(const OsResult<DirEntry>& place) {
  if (!place) return tl::unexpected(place.error());
  return place->Look();
}

// Where the quarantine's file system could not keep the time to the nanosecond.
void RestoreTime(const DirEntry& place, std::int64_t mtime_ns) {
  std::array<timespec, 2> times{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = mtime_ns / kNanosecondsPerSecond;
  times[1].tv_nsec = mtime_ns % kNanosecondsPerSecond;
  if (times[1].tv_nsec < 0) {
    times[1].tv_nsec += kNanosecondsPerSecond;
    --times[1].tv_sec;
  }
  // All bytes are back: a time that cannot be set is no failure.
  [[maybe_unused]] const int set =
      utimensat(place.folder.get(), place.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

}  // namespace

ActResult MoveBack(const std::string& folder, const MoveRecord& record, const OnStep& on_step) {
  const OsResult<DirEntry> from = OpenDirEntry(folder, record.to);
  const OsResult<struct stat> found = LookAt(from);
  if (!found) return CannotAct("look into the quarantine for", found.error());
  const OsResult<DirEntry> to = MakeDirEntry(record.input, record.path);
  if (!to) {
    return {ActionResult::kFailed,
            fmt::format("cannot make its folder again: {}", ErrnoText(to.error()))};
  }
  if (!IsThatFile(*found, record.stamp)) {
    // Never moved: its name in the quarantine is another file's.
    if (to->Look()) return {ActionResult::kGone, "it is where it was"};
    return {ActionResult::kLeftAlone, "what is in the quarantine is not that file"};
  }
  const MoveResult moved = MoveFile(*from, StampOf(*found), *to, on_step);
  switch (moved.what) {
    case Moved::kMoved:
      if (StampOf(*found) != record.stamp) RestoreTime(*to, record.stamp.mtime_ns);
      return {ActionResult::kDone, "moved back"};
    case Moved::kTaken:
      break;
    case Moved::kChanged:
      return {ActionResult::kLeftAlone, "it is being changed in the quarantine"};
    case Moved::kFailed:
      return {ActionResult::kFailed,
              fmt::format("cannot move it back: {}", ErrnoText(moved.error_number))};
  }
  if (AreSameName(*from, *to)) return {ActionResult::kGone, "it is where it was"};
  // A move that was killed half-way left it at both places.
  if (AreAlike(*from, *to)) {
    if (const auto synced = SyncFolderOf(*to); !synced) return CannotAct("sync", synced.error());
    if (unlinkat(from->folder.get(), from->name.c_str(), 0) != 0) {
      return CannotAct("take out of the quarantine", errno);
    }
    return {ActionResult::kDone, "it was back already"};
  }
  return {ActionResult::kLeftAlone, "another file is in its place; the quarantine keeps it"};
}

ActResult DryRunRestore(const std::string& folder, const MoveRecord& record) {
  const OsResult<DirEntry> from = OpenDirEntry(folder, record.to);
  const OsResult<struct stat> found = LookAt(from);
  if (!found) return CannotAct("look into the quarantine for", found.error());
  if (!IsThatFile(*found, record.stamp)) {
    return {ActionResult::kLeftAlone, "what is in the quarantine is not that file"};
  }
  const OsResult<DirEntry> to = OpenDirEntry(record.input, record.path);
  if (to && to->Look()) return {ActionResult::kLeftAlone, "another file is in its place"};
  return {ActionResult::kDone, "would be moved back"};
}

}  // namespace millrace::cli
