// Under which name an image's outputs are written, such that no two inputs ever meet on one.
//
//   what has one entry, masked or overlay:
//     format: same         the input's path          a.jpg          → a.jpg
//                          .. of a format that is    a.heic         → a.heic.png
//                             not written here
//                          .. of the shape of such   a.heic.png     → a.heic.png.png
//                             an output
//                          .. that says no format    a, a.dat       → a, a.dat (PNG inside)
//     format: png          its suffix appended       a.jpg, a.png   → a.jpg.png, a.png.png
//   what is mask or labels alone: as format: png     a.jpg, a.png   → a.jpg.png, a.png.png
//   what has several: two suffixes                   a.jpg          → a.jpg.masked.jpg,
//                                                                     a.jpg.mask.png, ...
//
// Why no two meet. With suffixes appended to every name, the input's path is what is left without
// them. With one `what` and `same`, let A be the names that end in an image extension not written
// here, followed by any number of ".png": each of them gets one more ".png" and so stays in A, and
// every other name stays as it is, outside A.
//
// What can still clash is a file with a folder: format png writes a.jpg to a.jpg.png, which cannot
// be if the input has a folder of that name with images in it. Whichever comes second fails as
// write-failed; nothing is overwritten.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/image/encode.h"

namespace millrace {

enum class OutputKind { kMasked, kMask, kLabels, kOverlay };
enum class OutputFormat { kSame, kPng, kJpeg, kWebp };

std::string_view OutputKindName(OutputKind kind);  // "masked", "mask", "labels", "overlay"

struct OutputName {
  std::string key;  // relative to OUTPUT, bytes
  FileFormat format = FileFormat::kPng;

  friend bool operator==(const OutputName&, const OutputName&) = default;
};

// `alone`: `what` has no other entry.
OutputName NameOutput(std::string_view key, OutputKind kind, bool alone, OutputFormat format);

}  // namespace millrace
