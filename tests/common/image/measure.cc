// Measures decoding and resizing: image_measure FILE... prints, a line a file, the least CPU time
// in milliseconds of 15 rounds; measure_pillow.py is its twin. docs/measurements/preprocess.md.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "common/image/decode_resized.h"

namespace {

double CpuMilliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

template <typename Body>
double Least(const Body& body) {
  double least = 1e9;
  for (int round = 0; round < 15; ++round) {
    const double start = CpuMilliseconds();
    body();
    least = std::min(least, CpuMilliseconds() - start);
  }
  return least;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace millrace;  // NOLINT(google-build-using-namespace): a main of one screen
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    const auto whole = DecodePicture(bytes, {});
    if (!whole) {
      std::fprintf(stderr, "%s: %s\n", argv[i], whole.error().message.c_str());
      return 1;
    }
    const double decode = Least([&] { (void)DecodePicture(bytes, {}); });
    const double resize = Least([&] {
      (void)ResizeLikePillow(whole->picture, {512, 512}, PassOrder::k13);
    });
    const double both = Least([&] { (void)DecodeResized(bytes, {}, {}); });
    std::printf("%s: decode %.1f ms, resize %.2f ms, decode and resize in one %.1f ms\n", argv[i],
                decode, resize, both);
  }
  return 0;
}
