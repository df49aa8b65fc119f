// A promise that was not kept. Thrown to the test, which says by which seed.
#pragma once

#include <stdexcept>
#include <string>

namespace millrace::sim {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void Require(bool kept, const char* what) {
  if (!kept) throw Violation(what);
}
template <typename Explain>
void Require(bool kept, const char* what, Explain explain) {
  if (!kept) throw Violation(std::string(what) + ": " + explain());
}

}  // namespace millrace::sim
