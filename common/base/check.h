// An invariant of ours, checked in every build. Where it does not hold, going on would record or
// tell what is not so: the process ends, and a restart continues from what is on disk.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace millrace {

// `what`: the invariant, as a sentence that should have been true. The place is the caller's: by
// the builtins, since Clang 14 has no std::source_location with this standard library.
inline void Check(bool holds, const char* what, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (holds) [[likely]] {
    return;
  }
  std::fprintf(stderr, "%s:%d: internal error: this does not hold: %s\n", file, line, what);
  std::fflush(stderr);
  std::abort();
}

}  // namespace millrace
