// What no walk takes for somebody's pictures unless it is told to (--no-default-excludes): what
// other programs lay beside them, and what other runs have written.
//
//   a folder of one of these names    skipped "default-exclude", one item
//   a folder that a run writes to     skipped "run-output", one item: it holds .millrace/id
//   an AppleDouble file               skipped "apple-double"
//
// INPUT itself is walked whatever it is called, and a list of files names what it wants. Bins
// (.Trashes, $RECYCLE.BIN), lost+found and snapshots are walked: what lies there is somebody's own.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace millrace {

// By the last component of the key.
bool IsFolderLeftOutByDefault(std::string_view key);

// The folder open at `fd` is the OUTPUT of a run, whichever.
bool IsOutputOfSomeRun(int fd);

// macOS lays a file's attributes beside it as "._NAME", on volumes that have no place for them.
bool IsNamedLikeAppleDouble(std::string_view key);
// ... and they begin with this. A picture of such a name does not.
inline constexpr std::size_t kAppleDoubleMagicBytes = 4;
bool HasAppleDoubleMagic(std::span<const std::byte> head);

}  // namespace millrace
