// The topology reader under libFuzzer: any bytes as a file and as --set values (any_bytes.h).

#include <cstdint>
#include <string>

#include "tests/common/config/any_bytes.h"
#include "tests/fuzz/heap_peak.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  const HeapPeak peak;
  const std::string wrong = CheckAnyBytes({reinterpret_cast<const char*>(data), size});
  Require(wrong.empty(), wrong);
  // tree_builder.cc: a hundred thousand values, aliases written out, of some 200 bytes; and once
  // more as they are read again.
  Require(peak.bytes() <= std::size_t{64} << 20,
          "a topology takes bounded memory, not " + std::to_string(peak.bytes()));
  return 0;
}
