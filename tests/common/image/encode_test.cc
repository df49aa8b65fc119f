// What is written is read back by Pillow (Debian's python3-pil), which shares no code with ours but
// the codec libraries.
#include "common/image/encode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

struct Picture {
  int width, height;
  std::vector<std::uint8_t> bytes;
  [[nodiscard]] PixelView view() const { return {bytes.data(), width, height}; }
};

// Smooth in one half and noise in the other, the same each time.
Picture MakePicture(int width, int height, int channels) {
  Picture picture{width, height, {}};
  std::uint32_t state = 1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        state = state * 1664525 + 1013904223;
        const int smooth = (x * 3 + y * 2 + c * 40) & 255;
        picture.bytes.push_back(static_cast<std::uint8_t>(x < width / 2 ? smooth : state >> 24));
      }
    }
  }
  return picture;
}

std::string_view Text(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Runs Python in the folder; its statements see Image and the names a test needs.
bool Python(const TemporaryFolder& folder, const std::string& script) {
  folder.File("script.py", "from PIL import Image\n" + script);
  return std::system(("cd " + folder.path() + " && /usr/bin/python3 script.py").c_str()) == 0;
}

TEST_CASE("JPEG equals what Pillow saves at the same quality, byte for byte") {
  const TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair{512, 512}, {301, 99}, {1, 1}, {17, 640}}) {
    const Picture picture = MakePicture(width, height, 3);
    folder.File("raw", Text(picture.bytes));
    for (const int quality : {75, 1, 50, 95, 100}) {
      const std::string size = std::to_string(width) + ", " + std::to_string(height);
      REQUIRE(Python(folder, "Image.frombytes('RGB', (" + size +
                                 "), open('raw', 'rb').read()).save('theirs.jpg', quality=" +
                                 std::to_string(quality) + ")"));
      const auto ours = EncodeRgb(picture.view(), FileFormat::kJpeg, quality);
      REQUIRE(ours);
      CAPTURE(size);
      CAPTURE(quality);
      CHECK(Text(*ours) == folder.Read("theirs.jpg"));
    }
  }
}

TEST_CASE("PNG, BMP and TIFF are read back with the same pixels, WebP with pixels near them") {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(301, 99, 3);
  folder.File("raw", Text(picture.bytes));
  for (const FileFormat format :
       {FileFormat::kPng, FileFormat::kBmp, FileFormat::kTiff, FileFormat::kWebp}) {
    const auto file = EncodeRgb(picture.view(), format, 75);
    REQUIRE(file);
    folder.File("picture", Text(*file));
    CAPTURE(FileSuffix(format));
    CHECK(Python(folder, R"(
picture = Image.open('picture')
raw = open('raw', 'rb').read()
assert picture.mode == 'RGB' and picture.size == (301, 99), picture
if picture.format == 'WEBP':
    smooth = Image.frombytes('RGB', (301, 99), raw).crop((8, 8, 140, 90)).getdata()
    pairs = zip(picture.crop((8, 8, 140, 90)).getdata(), smooth)
    mean = sum(abs(a[1] - b[1]) for a, b in pairs) / len(smooth)
    assert mean < 8, mean
else:
    assert picture.format == ')" +
                             std::string(format == FileFormat::kPng   ? "PNG"
                                         : format == FileFormat::kBmp ? "BMP"
                                                                      : "TIFF") +
                             R"('
    assert picture.tobytes() == raw
)"));
  }
}

TEST_CASE("a WebP of a lower quality is smaller") {
  const Picture picture = MakePicture(200, 200, 3);
  CHECK(EncodeRgb(picture.view(), FileFormat::kWebp, 20)->size() <
        EncodeRgb(picture.view(), FileFormat::kWebp, 90)->size());
}

TEST_CASE("a grey PNG is read back as grey") {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(33, 65, 1);
  folder.File("raw", Text(picture.bytes));
  folder.File("picture.png", Text(*EncodeGreyPng(picture.view())));
  CHECK(Python(folder, R"(
picture = Image.open('picture.png')
assert picture.mode == 'L' and picture.size == (33, 65), picture
assert picture.tobytes() == open('raw', 'rb').read()
)"));
}

TEST_CASE("an indexed PNG is read back with its indices and its palette") {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(40, 50, 1);
  std::array<Rgb, 256> palette;
  for (int i = 0; i < 256; ++i) {
    palette[static_cast<std::size_t>(i)] = {static_cast<std::uint8_t>(i),
                                            static_cast<std::uint8_t>(255 - i),
                                            static_cast<std::uint8_t>(i / 2)};
  }
  folder.File("raw", Text(picture.bytes));
  folder.File("picture.png", Text(*EncodeIndexedPng(picture.view(), palette)));
  CHECK(Python(folder, R"(
picture = Image.open('picture.png')
assert picture.mode == 'P' and picture.size == (40, 50), picture
assert picture.tobytes() == open('raw', 'rb').read()
assert picture.getpalette() == [v for i in range(256) for v in (i, 255 - i, i // 2)]
)"));
}

TEST_CASE("sides that a format cannot hold are refused with the limit") {
  const std::vector<std::uint8_t> bytes(std::size_t{70'000} * 3);
  const auto webp = EncodeRgb({bytes.data(), 16'384, 1}, FileFormat::kWebp, 75);
  REQUIRE(!webp);
  CHECK(webp.error().code == ErrorCode::kTooLarge);
  CHECK(webp.error().message.find("16383") != std::string::npos);
  const auto jpeg = EncodeRgb({bytes.data(), 1, 65'536}, FileFormat::kJpeg, 75);
  REQUIRE(!jpeg);
  CHECK(jpeg.error().code == ErrorCode::kTooLarge);
  CHECK(EncodeRgb({bytes.data(), 1, 65'536}, FileFormat::kPng, 75));
}

TEST_CASE("a name's extension tells the format, in any case") {
  CHECK(FileFormatOfName("x/a.JPG") == FileFormat::kJpeg);
  CHECK(FileFormatOfName("a.b.Tiff") == FileFormat::kTiff);
  CHECK(FileFormatOfName("a.webp") == FileFormat::kWebp);
  CHECK(!FileFormatOfName("a.gif"));
  CHECK(!FileFormatOfName("x.jpg/a"));
  CHECK(!FileFormatOfName("x/.jpg"));
  CHECK(!FileFormatOfName("jpg"));
}

}  // namespace
}  // namespace millrace
