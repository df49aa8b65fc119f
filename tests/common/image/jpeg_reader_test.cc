// Our reader of JPEG entropy data beside libjpeg's.
#include "common/image/jpeg/jpeg_reader.h"

#include <doctest/doctest.h>

#include <string_view>

#include "common/image/inspect/libjpeg_walk.h"
#include "tests/common/image/made_jpeg.h"

namespace millrace {
namespace {

using Verdict = JpegReading::Verdict;

JpegReading Read(const std::string& file) {
  return ReadJpeg(std::as_bytes(std::span(file)), 0, {});
}

// What it says; nothing: "".
std::string LibjpegComplaint(const std::string& file) {
  const auto broken = AskLibjpeg(std::as_bytes(std::span(file))).broken;
  return broken ? broken->what : "";
}

bool LibjpegComplains(const std::string& file) { return !LibjpegComplaint(file).empty(); }

// "ok", or what is wrong first.
std::string Said(const std::string& file) {
  const JpegReading reading = Read(file);
  switch (reading.verdict) {
    case Verdict::kWhole:
      break;
    case Verdict::kTruncated:
      return "truncated: " + std::string(reading.damage.what);
    case Verdict::kCorrupt:
      return "corrupt: " + std::string(reading.damage.what);
    case Verdict::kNotTaken:
      return reading.kind;
    case Verdict::kCostly:
      return "costly";
  }
  if (reading.suspicious) return std::string("suspicious: ") + reading.suspicious->what;
  if (reading.odd) return std::string("odd: ") + reading.odd->what;
  return "ok";
}

// Each kind that libjpeg writes.
std::vector<MadeJpeg> AllKinds() {
  std::vector<MadeJpeg> kinds;
  for (const int components : {1, 3, 4}) {
    for (const bool progressive : {false, true}) {
      for (int restart = 0; restart < 3; ++restart) {
        for (int factors = 0; factors < 16; ++factors) {
          MadeJpeg how{.components = components, .h = 1 + factors % 4, .v = 1 + factors / 4};
          // No more than 10 blocks in an MCU.
          if (how.h * how.v + components - 1 > 10) continue;
          how.progressive = progressive;
          how.own_scans = !progressive && factors % 3 == 1;
          how.optimize = factors % 2 == 1;
          how.restart_in_mcus = restart == 1 ? 1 + factors : 0;
          how.restart_in_rows = restart == 2 ? 1 : 0;
          how.quality = 1 + (37 * factors + 11 * restart) % 100;
          how.width = 1 + (31 * factors + 17 * restart) % 90;
          how.height = 1 + (23 * factors + 29 * restart) % 70;
          how.seed = static_cast<unsigned>(kinds.size()) + 1;
          kinds.push_back(how);
        }
      }
    }
  }
  return kinds;
}

std::string Replaced(std::string bytes, std::size_t at, const std::string& with) {
  return bytes.replace(at, with.size(), with);
}

// Where the entropy data of the first scan begins.
std::size_t DataOf(const std::string& jpeg) {
  const std::size_t scan = jpeg.find("\xff\xda");
  return scan + 2 +
         static_cast<std::size_t>(static_cast<unsigned char>(jpeg[scan + 2]) << 8 |
                                  static_cast<unsigned char>(jpeg[scan + 3]));
}

std::string Marker(int code) { return {'\xff', static_cast<char>(code)}; }

TEST_CASE("whatever libjpeg writes is read to its end without a remark") {
  for (const MadeJpeg& how : AllKinds()) {
    CAPTURE(how.components);
    CAPTURE(how.h);
    CAPTURE(how.v);
    CAPTURE(how.progressive);
    CAPTURE(how.seed);
    const std::string jpeg = Make(how);
    CHECK(Said(jpeg) == "ok");
    CHECK(Read(jpeg).end == jpeg.size());
    CHECK(Read(jpeg + "more").end == jpeg.size());
  }
}

TEST_CASE("what libjpeg complains of is not passed over, and no whole MCU is called missing") {
  std::minstd_rand random(7);
  int damaged = 0;
  int both = 0;
  for (const MadeJpeg& how : AllKinds()) {
    const std::string jpeg = Make(how);
    for (int i = 0; i < 24; ++i) {
      std::string wrong = jpeg;
      const std::size_t at = random() % wrong.size();
      if (i % 8 == 0) {
        wrong.resize(at);
      } else if (i % 8 == 1) {
        wrong.erase(at, 1 + random() % 40);
      } else {
        wrong[at] = static_cast<char>(wrong[at] ^ (i % 2 == 0 ? 1 << random() % 8 : random()));
      }
      if (wrong.size() < 4 || wrong.substr(0, 3) != jpeg.substr(0, 3)) continue;
      const JpegReading reading = Read(wrong);
      // Which libjpeg does not read.
      if (reading.sample_bits != 8 || reading.fractional_sampling) continue;
      const bool complains = LibjpegComplains(wrong);
      CAPTURE(how.seed);
      CAPTURE(i);
      CAPTURE(at);
      CAPTURE(Said(wrong));
      CAPTURE(LibjpegComplaint(wrong));
      if (complains) CHECK(Said(wrong) != "ok");
      damaged += complains ? 1 : 0;
      if (reading.verdict == Verdict::kTruncated) CHECK(complains);
      if (reading.verdict == Verdict::kCorrupt) {
        // Of these alone libjpeg says nothing.
        const std::string_view what = reading.damage.what;
        CHECK((complains || what == "a run in its data leads beyond a block" ||
               what == "the scan of a component is missing"));
        both += complains ? 1 : 0;
      }
    }
  }
  CHECK(damaged > 1000);
  CHECK(both > 500);
}

TEST_CASE("a cut says which MCU is the first that is missing") {
  MadeJpeg how{.width = 64, .height = 48, .components = 1, .h = 1, .v = 1, .quality = 95};
  const std::string jpeg = Make(how);
  const std::size_t begin = DataOf(jpeg);
  std::int64_t last = 0;
  for (std::size_t size = begin; size + 2 < jpeg.size(); ++size) {
    const JpegReading reading = Read(jpeg.substr(0, size));
    REQUIRE(reading.verdict == Verdict::kTruncated);
    CHECK(reading.damage.offset == size);
    CHECK(reading.damage.mcu >= last);
    last = reading.damage.mcu;
    REQUIRE(reading.lost);
    CHECK(*reading.lost == doctest::Approx(1 - static_cast<double>(last) / 48));
  }
  CHECK(last == 47);
}

TEST_CASE("damage between restart markers costs one interval") {
  const std::string jpeg = Make({.width = 64,
                                 .height = 64,
                                 .components = 1,
                                 .h = 1,
                                 .v = 1,
                                 .quality = 90,
                                 .restart_in_rows = 1});
  const std::size_t first = jpeg.find(Marker(0xD0));
  const std::size_t second = jpeg.find(Marker(0xD1));
  // Ones are no code.
  const std::string wrong = Replaced(jpeg, first + 2, std::string("\xff\0\xff\0\xff\0\xff\0", 8));
  const JpegReading reading = Read(wrong);
  CHECK(reading.verdict == Verdict::kCorrupt);
  CHECK(reading.damage.mcu == 8);
  CHECK(reading.damage.scan == 1);
  CHECK(*reading.lost == doctest::Approx(1.0 / 8));
  const JpegReading without = Read(jpeg.substr(0, first) + jpeg.substr(second));
  CHECK(without.verdict == Verdict::kCorrupt);
  CHECK(*without.lost == doctest::Approx(1.0 / 8));
}

TEST_CASE("a restart marker whose number alone is wrong costs nothing") {
  const std::string jpeg = Make({.width = 64, .height = 64, .restart_in_rows = 1});
  const std::size_t second = jpeg.find(Marker(0xD1));
  CHECK(Said(Replaced(jpeg, second, Marker(0xD6))) ==
        "suspicious: a restart marker is out of turn");
  CHECK(Said(Replaced(jpeg, second, Marker(0xD2))) ==
        "suspicious: a restart marker is out of turn");
}

TEST_CASE("ones in the data are found wherever they are long enough to hold a code") {
  std::minstd_rand random(3);
  const std::string ones = [] {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += std::string("\xff\0", 2);
    return bytes;
  }();
  for (MadeJpeg how : AllKinds()) {
    how.width += 90;
    how.height += 90;
    const std::string jpeg = Make(how);
    const std::size_t begin = DataOf(jpeg);
    // Of a progressive file, the first scan: refinements are raw bits.
    const std::size_t end = how.restart_in_mcus + how.restart_in_rows > 0 || how.progressive
                                ? jpeg.find('\xff', begin)
                                : jpeg.size() - 2;
    if (end < begin + 40) continue;
    const std::size_t at = begin + random() % (end - begin - 32);
    if (jpeg[at - 1] == '\xff') continue;
    std::string wrong = Replaced(jpeg, at, ones);
    CAPTURE(how.seed);
    CAPTURE(at);
    CHECK(Said(wrong) != "ok");
    CHECK(Said(wrong).substr(0, 3) != "odd");
  }
}

TEST_CASE("signs of damage behind which every MCU is there are suspicious") {
  const std::string jpeg = Make({});
  const std::string body = jpeg.substr(0, jpeg.size() - 2);
  const std::string end = Marker(0xD9);
  CHECK(Said(body) == "suspicious: its end mark is missing");
  CHECK(Said(body + "xx" + end) == "suspicious: bytes of its data are left over");
  CHECK(Said(body + Marker(0xD3) + end) ==
        "suspicious: a restart marker follows where none is due");
  CHECK(Said(body + Marker(0x77) + end) == "suspicious: it has a marker that is none");
  CHECK(Said(jpeg.substr(0, 20) + "stray" + jpeg.substr(20)) ==
        "suspicious: there are stray bytes before a marker");
  CHECK(Said(body + jpeg) == "suspicious: another picture begins within it");
}

TEST_CASE("what encoders and cameras are known to write is odd at most") {
  const std::string jpeg = Make({});
  const std::string body = jpeg.substr(0, jpeg.size() - 2);
  const std::string end = Marker(0xD9);
  CHECK(Said(body + std::string(40, '\0') + end) == "odd: bytes of its data are left over");
  CHECK(Said(body + std::string(40, '\xff') + end) == "ok");  // fillers before a marker
  const std::string restarts = Make({.width = 64, .height = 64, .restart_in_rows = 1});
  CHECK(Said(restarts.substr(0, restarts.size() - 2) + Marker(0xD3) + end) ==
        "odd: a restart marker follows where none is due");
  CHECK(Said(jpeg.substr(0, 2) + std::string(5, '\xff') + jpeg.substr(2)) == "ok");
}

TEST_CASE("padding bits of either value are sound, mixed ones suspicious") {
  int padded = 0;
  for (unsigned seed = 1; seed < 40; ++seed) {
    const std::string jpeg = Make({.seed = seed});
    const std::size_t last = jpeg.size() - 3;
    const auto bits = static_cast<unsigned char>(jpeg[last]);
    int ones = 0;
    while (ones < 8 && (bits >> ones & 1) != 0) ++ones;
    // The last code may end in ones as well; with three or more some are padding.
    if (ones < 3 || jpeg[last - 1] == '\xff') continue;
    ++padded;
    CHECK(Said(Replaced(jpeg, last, {static_cast<char>(bits & ~1U)})).substr(0, 3) != "cor");
  }
  CHECK(padded > 3);
}

TEST_CASE("the tables of Motion JPEG go without saying") {
  std::string jpeg = Make({});
  for (std::size_t at = 0; (at = jpeg.find("\xff\xc4")) != std::string::npos;) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(jpeg[at + 2]) << 8 |
                                                 static_cast<unsigned char>(jpeg[at + 3]));
    jpeg.erase(at, length + 2);
  }
  CHECK(Said(jpeg) == "ok");
  CHECK_FALSE(LibjpegComplains(jpeg));
}

TEST_CASE("a height of 0 is looked for behind the first scan") {
  const std::string jpeg = Make({.width = 40, .height = 30});
  const std::size_t frame = jpeg.find("\xff\xc0");
  const std::string none = Replaced(jpeg, frame + 5, std::string(2, '\0'));
  CHECK(Said(none) == "corrupt: its height is 0");
  const std::string segment = std::string("\xff\xdc\0\4\0\x1e", 6);
  const std::string given = none.substr(0, none.size() - 2) + segment + Marker(0xD9);
  CHECK(Said(given) == "ok");
  CHECK(Read(given).height_follows);
  CHECK(Read(given).height == 30);
}

TEST_CASE("kinds that are read elsewhere or nowhere are named") {
  CHECK(Said(Make({.arithmetic = true})) == "a JPEG with arithmetic coding");
  const std::string jpeg = Make({});
  const std::size_t frame = jpeg.find("\xff\xc0");
  CHECK(Said(Replaced(jpeg, frame, Marker(0xC3))) == "a lossless JPEG");
  CHECK(Said(Replaced(jpeg, frame, Marker(0xC5))) == "a hierarchical JPEG");
  // Its first component's sampling factors are 0.
  CHECK(Said(Replaced(Replaced(jpeg, frame, Marker(0xC5)), frame + 11, std::string(1, '\0'))) ==
        "a hierarchical JPEG");
  CHECK(Said(Replaced(jpeg, frame, Marker(0xF7))) == "a JPEG-LS");
}

TEST_CASE("a progressive file may leave out details, and no component") {
  const std::string jpeg = Make({.progressive = true});
  std::vector<std::size_t> scans;
  for (std::size_t at = 0; (at = jpeg.find("\xff\xda", at)) != std::string::npos; ++at) {
    scans.push_back(at);
  }
  REQUIRE(scans.size() > 4);
  // The tables of a scan precede it.
  const std::size_t second = jpeg.find("\xff\xc4", scans[0]);
  CHECK(Said(jpeg.substr(0, second) + Marker(0xD9)) == "ok");
  CHECK(Said(jpeg.substr(0, second)) == "truncated: it ends before its last scan");
  const std::string sequential = Make({.h = 1, .v = 1, .own_scans = true});
  const std::size_t last = sequential.rfind("\xff\xda");
  CHECK(Said(sequential.substr(0, last) + Marker(0xD9)) ==
        "corrupt: the scan of a component is missing");
}

}  // namespace
}  // namespace millrace
