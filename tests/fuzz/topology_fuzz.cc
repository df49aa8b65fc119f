// The topology reader under libFuzzer: any bytes as a file and as --set values (any_bytes.h).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/common/config/any_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string wrong = millrace::CheckAnyBytes({reinterpret_cast<const char*>(data), size});
  if (!wrong.empty()) {
    std::fputs((wrong + "\n").c_str(), stderr);
    std::abort();
  }
  return 0;
}
