// Our reader of JPEG entropy data against libjpeg's, over files that jpeg_entropy.py makes.
//
//   jpeg_entropy REPEAT FILE...
//
// A JSON line each: bytes of entropy data, and the best CPU time of one thread for: reading all
// with ours; libjpeg's jpeg_read_coefficients; and, of sequential files, libjpeg's cheapest walk,
// which is to ask for an eighth of the size in grey (what millrace did before).
#include <algorithm>
#include <cstdio>
// Behind cstdio, which it needs.
#include <jpeglib.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "common/image/jpeg/jpeg_reader.h"

namespace millrace {
namespace {

using Bytes = std::vector<unsigned char>;

void ReadCoefficients(const Bytes& file) {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, file.data(), file.size());
  jpeg_read_header(&jpeg, TRUE);
  jpeg_read_coefficients(&jpeg);
  jpeg_destroy_decompress(&jpeg);
}

void WalkAtAnEighth(const Bytes& file) {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, file.data(), file.size());
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = JCS_GRAYSCALE;
  jpeg.scale_num = 1;
  jpeg.scale_denom = 8;
  jpeg.dct_method = JDCT_IFAST;
  jpeg.do_fancy_upsampling = FALSE;
  jpeg.do_block_smoothing = FALSE;
  jpeg_start_decompress(&jpeg);
  std::vector<JSAMPLE> pixels(jpeg.output_width);
  JSAMPROW row = pixels.data();
  while (jpeg.output_scanline < jpeg.output_height) jpeg_read_scanlines(&jpeg, &row, 1);
  jpeg_destroy_decompress(&jpeg);
}

void ReadOurs(const Bytes& file) {
  const auto reading = ReadJpeg(std::as_bytes(std::span(file)), 0, {});
  if (reading.verdict != JpegReading::Verdict::kWhole || reading.suspicious) {
    std::fprintf(stderr, "jpeg_entropy: a sound file is called broken\n");
    std::exit(1);
  }
}

// From the first scan on; headers between scans are small.
std::size_t EntropyBytes(const Bytes& file) {
  for (std::size_t at = 2; at + 4 < file.size();) {
    if (file[at + 1] == 0xDA) return file.size() - at;
    at += 2 + static_cast<std::size_t>(file[at + 2] << 8 | file[at + 3]);
  }
  return 0;
}

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  const int repeat = argc > 2 ? std::atoi(argv[1]) : 0;
  if (repeat < 1) {
    std::fprintf(stderr, "usage: jpeg_entropy REPEAT FILE...\n");
    return 2;
  }
  const std::vector<std::function<void(const Bytes&)>> ways = {ReadOurs, ReadCoefficients,
                                                               WalkAtAnEighth};
  for (int i = 2; i < argc; ++i) {
    std::ifstream stream(argv[i], std::ios::binary);
    const Bytes file{std::istreambuf_iterator<char>(stream), {}};
    std::vector<double> best(ways.size(), std::numeric_limits<double>::max());
    // Turn by turn, so that a busy moment hits all alike.
    for (int turn = 0; turn < repeat; ++turn) {
      for (std::size_t way = 0; way < ways.size(); ++way) {
        const double begun = CpuSeconds();
        ways[way](file);
        best[way] = std::min(best[way], CpuSeconds() - begun);
      }
    }
    std::printf(
        R"({"path": "%s", "bytes": %zu, "ours_s": %.6f, "coefficients_s": %.6f, "eighth_s": %.6f})"
        "\n",
        argv[i], EntropyBytes(file), best[0], best[1], best[2]);
  }
}
