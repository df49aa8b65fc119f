// JPEGs of every kind that libjpeg writes, for tests.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>
// Behind cstdio, which it needs.
#include <jpeglib.h>

namespace millrace {

struct MadeJpeg {
  int width = 75;
  int height = 53;
  int components = 3;  // 1, 3 or 4
  int h = 2;           // sampling factors of the first component
  int v = 2;
  int quality = 85;
  bool progressive = false;
  bool optimize = false;
  bool arithmetic = false;
  bool own_scans = false;  // a sequential scan for each component
  int restart_in_mcus = 0;
  int restart_in_rows = 0;
  unsigned noise = 20;  // levels
  unsigned seed = 1;
};

inline std::string Make(const MadeJpeg& how) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &out, &size);
  jpeg.image_width = static_cast<JDIMENSION>(how.width);
  jpeg.image_height = static_cast<JDIMENSION>(how.height);
  jpeg.input_components = how.components;
  jpeg.in_color_space = how.components == 1   ? JCS_GRAYSCALE
                        : how.components == 3 ? JCS_RGB
                                              : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, how.quality, TRUE);
  jpeg.comp_info[0].h_samp_factor = how.h;
  jpeg.comp_info[0].v_samp_factor = how.v;
  jpeg.optimize_coding = how.optimize ? TRUE : FALSE;
  jpeg.arith_code = how.arithmetic ? TRUE : FALSE;
  jpeg.restart_interval = static_cast<unsigned>(how.restart_in_mcus);
  jpeg.restart_in_rows = how.restart_in_rows;
  std::vector<jpeg_scan_info> scans;
  if (how.progressive) jpeg_simple_progression(&jpeg);
  if (how.own_scans) {
    for (int i = 0; i < how.components; ++i) scans.push_back({1, {i}, 0, 63, 0, 0});
    jpeg.scan_info = scans.data();
    jpeg.num_scans = how.components;
  }
  jpeg_start_compress(&jpeg, TRUE);
  std::minstd_rand random(how.seed);
  std::vector<JSAMPLE> row(static_cast<std::size_t>(how.width * how.components));
  JSAMPROW rows = row.data();
  for (int y = 0; y < how.height; ++y) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto smooth = 2 * static_cast<unsigned>(y) + static_cast<unsigned>(i);
      row[i] = static_cast<JSAMPLE>(smooth + (how.noise > 0 ? random() % how.noise : 0));
    }
    jpeg_write_scanlines(&jpeg, &rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  std::free(out);
  return bytes;
}

}  // namespace millrace
