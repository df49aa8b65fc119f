// What a fuzz target says when a promise is broken: an abort, which libFuzzer takes for a finding.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace millrace {

inline void Require(bool holds, const std::string& promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise.c_str());
  std::abort();
}

}  // namespace millrace
