// Paths that come from elsewhere: from a peer, a report, an older state.
#pragma once

#include <string_view>

namespace millrace {

// Whether `path` names something below whatever folder it is taken in: it is relative, none of its
// components is empty, "." or "..", and it holds no NUL. Looks at the text alone: a link on the way
// may still lead elsewhere, so what such a path names is opened by common/os/dir_entry.h.
bool IsPathBelow(std::string_view path);

// Whether it starts at the root and holds no NUL, behind which the system would not read on.
bool IsAbsolutePath(std::string_view path);

}  // namespace millrace
