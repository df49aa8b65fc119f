#include "cli/check/verify_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <vector>

#include "common/image/unread_family.h"
#include "common/os/unique_fd.h"

namespace millrace::cli {
namespace {

// Enough of it to tell what it is: of a TIFF, whose directories may lie anywhere, all that a check
// reads by default.
OsResult<std::vector<std::byte>> ReadForFamily(const DirEntry& place) {
  constexpr std::size_t kHeadBytes = std::size_t{1} << 20;
  constexpr std::size_t kMaxBytes = std::size_t{256} << 20;
  const UniqueFd file(openat(place.folder.get(), place.name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return tl::unexpected(errno);
  std::vector<std::byte> bytes(kHeadBytes);
  std::size_t have = 0;
  for (;;) {
    const ssize_t count = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::unexpected(errno);
    have += static_cast<std::size_t>(count);
    if (count == 0 || have == kMaxBytes) break;
    if (have < bytes.size()) continue;
    const auto head = std::span<const std::byte>(bytes).first(kSniffBytes);
    if (SniffFormat(head) != ImageFormat::kTiff) break;
    bytes.resize(std::min(2 * bytes.size(), kMaxBytes));
  }
  bytes.resize(have);
  return bytes;
}

// Nothing for a file whose picture is read, whole or not.
OsResult<std::optional<UnreadFamily>> UnreadFamilyAt(const DirEntry& place) {
  const auto bytes = ReadForFamily(place);
  if (!bytes) return tl::unexpected(bytes.error());
  auto family = FindUnreadFamily(*bytes);
  if (family && family->reads == UnreadFamily::Reads::kPicture) family.reset();
  return family;
}

}  // namespace

tl::expected<VerifiedTarget, ActResult> VerifyTarget(const FileVerdict& verdict,
                                                     const ActRule& rule) {
  const auto leave = [](const char* why) {
    return tl::unexpected(ActResult{ActionResult::kLeftAlone, why});
  };
  if (!rule.Allows(verdict.code)) {
    return leave(KindOf(verdict.code) == VerdictKind::kNoPicture
                     ? "it is no picture, which only --also not-an-image acts on"
                     : "it is not proven that it has lost pixels");
  }
  OsResult<DirEntry> place = OpenDirEntry(verdict.input, verdict.path);
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
  if (verdict.code == "not-an-image") {
    const auto bytes = ReadForFamily(*place);
    if (!bytes) return tl::unexpected(CannotAct("read", bytes.error()));
    if (IsAppleDouble(*bytes)) return leave("macOS keeps in it what belongs to another file");
  } else if (stamp.bytes > 0) {
    const auto unread = UnreadFamilyAt(*place);
    if (!unread) return tl::unexpected(CannotAct("read", unread.error()));
    if (*unread) {
      return tl::unexpected(
          ActResult{ActionResult::kLeftAlone,
                    fmt::format("it is {}, which is not read here", (*unread)->what)});
    }
  }
  return VerifiedTarget{*std::move(place), stamp};
}

ActResult CannotAct(const char* what, int error_number) {
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return {ActionResult::kGone, "it is not there any more"};
  }
  return {ActionResult::kFailed, fmt::format("cannot {} it: {}", what, ErrnoText(error_number))};
}

}  // namespace millrace::cli
