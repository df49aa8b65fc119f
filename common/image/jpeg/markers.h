// The markers of a JPEG (ITU-T T.81, B.1).
#pragma once

namespace millrace {

enum JpegMarker : int {
  kSof0 = 0xC0,
  kSof2 = 0xC2,
  kDht = 0xC4,
  kSof9 = 0xC9,
  kSof10 = 0xCA,
  kJpg = 0xC8,
  kDac = 0xCC,
  kRst0 = 0xD0,
  kRst7 = 0xD7,
  kSoi = 0xD8,
  kEoi = 0xD9,
  kSos = 0xDA,
  kDqt = 0xDB,
  kDnl = 0xDC,
  kDri = 0xDD,
  kDhp = 0xDE,
  kApp0 = 0xE0,
  kApp15 = 0xEF,
  kJpegLs = 0xF7,
  kCom = 0xFE,
  kTem = 0x01,
};

inline bool IsFrameMarker(int marker) {
  return marker >= kSof0 && marker <= 0xCF && marker != kDht && marker != kJpg && marker != kDac;
}

}  // namespace millrace
