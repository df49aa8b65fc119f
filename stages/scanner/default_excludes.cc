#include "stages/scanner/default_excludes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace millrace {
namespace {

constexpr std::array<std::string_view, 9> kFolders = {
    "__MACOSX",         // a ZIP of macOS: AppleDouble files
    ".AppleDouble",     // netatalk: likewise
    "@eaDir",           // Synology: thumbnails and attributes
    ".thumbnails",      // desktops and Android: thumbnails
    ".git",             // objects of repositories; what is checked out lies beside it
    ".hg",              //
    ".svn",             //
    ".fseventsd",       // macOS: a log of changes
    ".Spotlight-V100",  // macOS: an index
};

std::string_view NameOf(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? key : key.substr(slash + 1);
}

}  // namespace

bool IsFolderLeftOutByDefault(std::string_view key) {
  return std::find(kFolders.begin(), kFolders.end(), NameOf(key)) != kFolders.end();
}

bool IsOutputOfSomeRun(int fd) { return faccessat(fd, ".millrace/id", F_OK, 0) == 0; }

bool IsNamedLikeAppleDouble(std::string_view key) { return NameOf(key).starts_with("._"); }

bool HasAppleDoubleMagic(std::span<const std::byte> head) {
  // 00 05 16 07, and 00 05 16 00 of AppleSingle, its twin. Apple's "AppleSingle/AppleDouble Formats
  // for Foreign Files", 1990; RFC 1740.
  return head.size() >= kAppleDoubleMagicBytes && head[0] == std::byte{0x00} &&
         head[1] == std::byte{0x05} && head[2] == std::byte{0x16} &&
         (head[3] == std::byte{0x07} || head[3] == std::byte{0x00});
}

}  // namespace millrace
