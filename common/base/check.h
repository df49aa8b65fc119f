// An invariant of ours, checked in every build. Where it does not hold, going on would record or
// tell what is not so: the process ends, and a restart continues from what is on disk.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace millrace {

// `what`: the invariant, as a sentence that should have been true.
inline void Check(bool holds, const char* what,
                  const std::source_location where = std::source_location::current()) {
  if (holds) [[likely]] {
    return;
  }
  std::fprintf(stderr, "%s:%u: internal error: this does not hold: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), what);
  std::fflush(stderr);
  std::abort();
}

}  // namespace millrace
