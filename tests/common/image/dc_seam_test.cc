// The seam that a flipped bit leaves, and edges of sound pictures that look much like it.
#include "common/image/jpeg/dc_seam.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "common/image/jpeg/jpeg_reader.h"
#include "tests/common/image/made_jpeg.h"

namespace millrace {
namespace {

constexpr std::int64_t kColumns = 40;
constexpr std::int64_t kRows = 30;

// A picture: the level of its first component at a place, in MCUs.
using Picture = std::function<double(double x, double y)>;

double Landscape(double x, double y) {
  return 128 + 40 * std::sin(x / 5 + y / 9) + 25 * std::cos(y / 4 - x / 11);
}

struct Layout {
  std::vector<DcCoefficients::Part> parts;
  double noise = 1;  // levels
};

const Layout kGrey{{{1, 1, 4}}};
const Layout kColour{{{1, 1, 4}, {1, 1, 6}, {1, 1, 6}}};
const Layout kHalved{{{2, 2, 4}, {1, 1, 6}, {1, 1, 6}}};
const Layout kTall{{{1, 2, 4}, {1, 1, 6}, {1, 1, 6}}};
const Layout kWide{{{4, 1, 4}, {1, 1, 6}, {1, 1, 6}}};

JpegScan ScanOf(std::int64_t columns = kColumns, std::int64_t rows = kRows) {
  JpegScan scan;
  scan.mcus_wide = columns;
  scan.mcus_high = rows;
  return scan;
}

double MeanOf(const Picture& picture, double x, double y, double width, double height) {
  constexpr int kSamples = 8;
  double sum = 0;
  for (int i = 0; i < kSamples; ++i) {
    for (int j = 0; j < kSamples; ++j) {
      sum += picture(x + width * (i + 0.5) / kSamples, y + height * (j + 0.5) / kSamples);
    }
  }
  return sum / (kSamples * kSamples);
}

// `off`: by how many levels the blocks of an MCU are off, in which component.
DcCoefficients Coefficients(const Layout& layout, const Picture& picture,
                            const std::function<double(std::int64_t mcu, std::size_t part)>& off,
                            const JpegScan& scan = ScanOf()) {
  DcCoefficients dcs{layout.parts, {}};
  std::minstd_rand random(5);
  std::normal_distribution<double> noise;
  for (std::int64_t mcu = 0; mcu < scan.mcus(); ++mcu) {
    const auto column = static_cast<double>(mcu % scan.mcus_wide);
    const auto row = static_cast<double>(mcu / scan.mcus_wide);
    for (std::size_t part = 0; part < layout.parts.size(); ++part) {
      const DcCoefficients::Part& how = layout.parts[part];
      for (int block = 0; block < how.h * how.v; ++block) {
        const double x = column + static_cast<double>(block % how.h) / how.h;
        const double y = row + static_cast<double>(block / how.h) / how.v;
        const double mean = MeanOf(picture, x, y, 1.0 / how.h, 1.0 / how.v);
        const double level =
            (part == 0 ? 1 : 0.3) * (mean - 128) + off(mcu, part) + layout.noise * noise(random);
        dcs.values.push_back(static_cast<std::int16_t>(std::lround(8 * level / how.step)));
      }
    }
  }
  return dcs;
}

auto OffFrom(std::int64_t first, double levels, std::size_t which = 0) {
  return [=](std::int64_t mcu, std::size_t part) {
    return mcu >= first && part == which ? levels : 0.0;
  };
}

double Nothing(std::int64_t, std::size_t) { return 0; }

std::optional<DcSeam> Find(const DcCoefficients& dcs, std::int64_t restart_interval = 0) {
  return FindDcSeam(dcs, ScanOf(), restart_interval);
}

// A picture whose samples are others in a part of it.
Picture Changed(const Picture& picture, const std::function<bool(double x, double y)>& where,
                const std::function<double(double level)>& change) {
  return [=](double x, double y) { return where(x, y) ? change(picture(x, y)) : picture(x, y); };
}

double Brighter(double level) { return level + 30; }

TEST_CASE("blocks that are off from some MCU on are found, with the place and the jump") {
  int layouts = 0;
  for (const Layout& layout : {kGrey, kColour, kHalved, kTall, kWide}) {
    CAPTURE(layouts++);
    for (const std::int64_t row : {3, 14, 26}) {
      for (const std::int64_t column : {6, 20, 33}) {
        for (const double levels : {-45.0, 30.0}) {
          CAPTURE(row);
          CAPTURE(column);
          CAPTURE(levels);
          const std::int64_t first = row * kColumns + column;
          const auto seam = Find(Coefficients(layout, Landscape, OffFrom(first, levels)));
          REQUIRE(seam);
          CHECK(seam->mcu >= first - 4);
          CHECK(seam->mcu <= first + 4);
          CHECK(seam->levels == doctest::Approx(levels).epsilon(0.15));
          CHECK(seam->times > 5);
        }
      }
    }
  }
}

TEST_CASE("a seam may be in any of the components") {
  for (const std::size_t part : {0, 1, 2}) {
    const auto seam = Find(Coefficients(kHalved, Landscape, OffFrom(500, 20, part)));
    REQUIRE(seam);
    CHECK(seam->levels == doctest::Approx(20).epsilon(0.15));
  }
}

TEST_CASE("the larger the jump, the more often is it the usual step") {
  double last = 0;
  for (const double levels : {16.0, 32.0, 64.0}) {
    const auto seam = Find(Coefficients(kHalved, Landscape, OffFrom(500, levels)));
    REQUIRE(seam);
    CHECK(seam->times > 1.5 * last);
    last = seam->times;
  }
}

TEST_CASE("the blocks of the damaged MCUs themselves may be anything") {
  const auto off = [](std::int64_t mcu, std::size_t part) {
    return part > 0 || mcu < 500 ? 0.0 : mcu < 503 ? 150.0 * static_cast<double>(mcu % 2) - 60 : 25;
  };
  CHECK(Find(Coefficients(kHalved, Landscape, off)));
}

TEST_CASE("a sound picture has no seam") {
  for (const Layout& layout : {kGrey, kColour, kHalved, kTall, kWide}) {
    CHECK_FALSE(Find(Coefficients(layout, Landscape, Nothing)));
  }
}

TEST_CASE("an edge from side to side is none") {
  for (const double y : {14.0, 14.5}) {
    const auto below = [=](double, double at) { return at >= y; };
    CHECK_FALSE(Find(Coefficients(kHalved, Changed(Landscape, below, Brighter), Nothing)));
  }
}

TEST_CASE("an edge that goes up by more or less than a row of MCUs is none") {
  for (const double up : {0.5, 2.0, 3.0}) {
    const auto below = [=](double x, double y) { return y >= (x < 20 ? 15 : 15 - up); };
    CHECK_FALSE(Find(Coefficients(kHalved, Changed(Landscape, below, Brighter), Nothing)));
  }
}

TEST_CASE("an edge that goes down at its step is none") {
  const auto below = [](double x, double y) { return y >= (x < 20 ? 15 : 16); };
  CHECK_FALSE(Find(Coefficients(kHalved, Changed(Landscape, below, Brighter), Nothing)));
}

TEST_CASE("an edge that is not quite level is none") {
  for (const double fall : {0.4, 1.0, 1.6, 3.0}) {
    const auto below = [=](double x, double y) { return y >= 15.3 - fall * x / kColumns; };
    for (const Layout& layout : {kGrey, kHalved}) {
      CHECK_FALSE(Find(Coefficients(layout, Changed(Landscape, below, Brighter), Nothing)));
    }
  }
}

TEST_CASE("a soft edge is none") {
  for (const double width : {0.5, 1.0, 2.0}) {
    for (const double fall : {0.0, 0.5, 1.0, 1.5}) {
      const auto picture = [=](double x, double y) {
        const double below = (y - 15.5 + fall * x / kColumns) / width;
        return Landscape(x, y) + 40 / (1 + std::exp(-4 * below));
      };
      for (const Layout& layout : {kGrey, kHalved, kTall}) {
        CHECK_FALSE(Find(Coefficients(layout, picture, Nothing)));
      }
    }
  }
}

TEST_CASE("what ends again as it began is something in the picture") {
  const auto selected = [](std::int64_t mcu, std::size_t part) {
    return part == 0 && mcu >= 500 && mcu < 750 ? 30.0 : 0.0;
  };
  CHECK_FALSE(Find(Coefficients(kHalved, Landscape, selected)));
}

TEST_CASE("several such steps, row below row, are the picture's own") {
  const auto staircase = [](std::int64_t mcu, std::size_t part) {
    if (part > 0 || mcu < 500) return 0.0;
    return 20.0 * static_cast<double>(std::min<std::int64_t>(3, 1 + (mcu - 500) / (2 * kColumns)));
  };
  CHECK_FALSE(Find(Coefficients(kHalved, Landscape, staircase)));
}

TEST_CASE("flat areas may border on each other along such a line") {
  for (const double noise : {0.0, 4.0}) {
    for (Layout layout : {kGrey, kHalved}) {
      layout.noise = noise;
      const auto flat = [](double, double) { return 100.0; };
      CHECK_FALSE(Find(Coefficients(layout, flat, OffFrom(500, 40))));
    }
  }
}

TEST_CASE("what lies over a picture, half transparent, is no seam") {
  const auto below = [](double x, double y) { return y >= (x < 20 ? 15 : 14); };
  const auto covered = [](double level) { return 0.7 * level + 0.3 * 250; };
  CHECK_FALSE(Find(Coefficients(kHalved, Changed(Landscape, below, covered), Nothing)));
}

TEST_CASE("another picture behind such a line is no seam") {
  const auto both = [](double x, double y) {
    return y >= (x < 20 ? 15 : 14) ? Landscape(3 * x + 7, y - 20) + 40 : Landscape(x, y);
  };
  CHECK_FALSE(Find(Coefficients(kHalved, both, Nothing)));
}

TEST_CASE("steps that rounding leaves are no jump") {
  Layout coarse{{{1, 1, 60}}, 0};
  CHECK_FALSE(Find(Coefficients(coarse, Landscape, OffFrom(500, 7.5))));
  CHECK(Find(Coefficients(coarse, Landscape, OffFrom(500, 30))));
}

TEST_CASE("a leg of a few MCUs tells nothing") {
  for (const std::int64_t column : {0, 1, 39}) {
    CHECK_FALSE(Find(Coefficients(kGrey, Landscape, OffFrom(15 * kColumns + column, 40))));
  }
}

TEST_CASE("a seam has to end below its row before DC coefficients begin anew") {
  const std::int64_t first = 500;
  const DcCoefficients dcs = Coefficients(kHalved, Landscape, OffFrom(first, 30));
  CHECK_FALSE(Find(dcs, kColumns));
  CHECK_FALSE(Find(dcs, 13 * kColumns));  // the restart is right below the damage's row
  CHECK(Find(dcs, 14 * kColumns));
  CHECK(Find(dcs, 20 * kColumns));
}

TEST_CASE("small pictures, coefficients out of all bounds, and many or few columns are borne") {
  for (const std::int64_t columns : {1, 2, 19, 20, 21, 700}) {
    for (const std::int64_t rows : {1, 5, 6, 7}) {
      const JpegScan scan = ScanOf(columns, rows);
      for (const Layout& layout : {kGrey, kHalved}) {
        const auto wild = [](std::int64_t mcu, std::size_t part) {
          return static_cast<double>((mcu * 7919 + static_cast<std::int64_t>(part)) % 16000 - 8000);
        };
        FindDcSeam(Coefficients(layout, Landscape, wild, scan), scan, 0);
        CHECK_FALSE(FindDcSeam(Coefficients(layout, Landscape, Nothing, scan), scan, 0));
      }
    }
  }
}

// What the reader says about seams among single flipped bits of the first scan.
struct Told {
  int seams = 0;
  int others = 0;
};
Told OfFlips(const MadeJpeg& how) {
  const std::string jpeg = Make(how);
  const std::size_t begin = jpeg.find("\xff\xda") + 14;
  const std::size_t end = how.progressive ? jpeg.find('\xff', begin) : jpeg.size() - 2;
  std::minstd_rand random(how.seed);
  Told told;
  for (int i = 0; i < 400; ++i) {
    std::string wrong = jpeg;
    const std::size_t at = begin + random() % (end - begin);
    wrong[at] = static_cast<char>(wrong[at] ^ 1 << random() % 8);
    const JpegReading reading = ReadJpeg(std::as_bytes(std::span(wrong)), 0, {});
    if (reading.verdict != JpegReading::Verdict::kWhole || !reading.suspicious) continue;
    ++(reading.suspicious->seam ? told.seams : told.others);
    if (!reading.suspicious->seam) continue;
    CHECK(reading.suspicious->Text().starts_with("its blocks are off by "));
    CHECK(reading.suspicious->seam->x < how.width);
    CHECK(reading.suspicious->seam->y < how.height);
  }
  return told;
}

TEST_CASE("the reader tells of seams in sequential and in progressive files") {
  for (const bool progressive : {false, true}) {
    for (const bool own_scans : {false, true}) {
      if (progressive && own_scans) continue;
      CAPTURE(progressive);
      CAPTURE(own_scans);
      const Told told = OfFlips({.width = 500,
                                 .height = 300,
                                 .progressive = progressive,
                                 .own_scans = own_scans,
                                 .noise = 4});
      CHECK(told.seams > 0);
      CHECK(told.others > 0);
    }
  }
}

}  // namespace
}  // namespace millrace
