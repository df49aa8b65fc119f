#include "common/image/sniff.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/image/byte_order.h"

namespace millrace {
namespace {

using Bytes = std::span<const std::byte>;

bool HasAt(Bytes head, std::size_t offset, std::string_view wanted) {
  if (head.size() < offset + wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(),
                    head.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

// "BM" alone begins many a text: the size of the second header must be one that exists.
bool IsBmp(Bytes head) {
  if (!HasAt(head, 0, "BM") || head.size() < 18) return false;
  constexpr std::array<std::uint32_t, 8> kHeaderSizes = {12, 16, 40, 52, 56, 64, 108, 124};
  return std::find(kHeaderSizes.begin(), kHeaderSizes.end(), Little32(head, 14)) !=
         kHeaderSizes.end();
}

// "P1".."P6", white space, then a number or a comment.
bool IsPnm(Bytes head) {
  if (head.size() < 4) return false;
  const auto at = [&](std::size_t i) { return std::to_integer<char>(head[i]); };
  if (at(0) != 'P' || at(1) < '1' || at(1) > '6') return false;
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  std::size_t i = 2;
  while (i < head.size() && is_space(at(i))) ++i;
  if (i == 2 || i == head.size()) return false;
  if (at(i) == '#') return true;
  // Two numbers in a row: "P5 of the report" and "P3 2019" are texts.
  for (int number = 0; number < 2; ++number) {
    const std::size_t begin = i;
    while (i < head.size() && at(i) >= '0' && at(i) <= '9') ++i;
    if (i == begin || i == head.size() || (!is_space(at(i)))) return false;
    while (i < head.size() && is_space(at(i))) ++i;
  }
  return true;
}

bool IsIcon(Bytes head) {
  using namespace std::string_view_literals;
  if (!HasAt(head, 0, "\0\0\1\0"sv) && !HasAt(head, 0, "\0\0\2\0"sv)) return false;
  // At least one entry, whose reserved byte is 0 and whose data lies after the directory.
  return head.size() >= 22 && std::to_integer<int>(head[4]) > 0 && head[5] == std::byte{0} &&
         head[9] == std::byte{0} && Little32(head, 18) >= 22;
}

// HEIF is an ISO media file: "ftyp" at 4, then the major brand, a version and more brands.
std::optional<ImageFormat> SniffHeif(Bytes head) {
  if (!HasAt(head, 4, "ftyp")) return std::nullopt;
  bool generic = false;
  const std::size_t end =
      std::min<std::size_t>(head.size(), std::to_integer<std::size_t>(head[2]) << 8 |
                                             std::to_integer<std::size_t>(head[3]));
  for (std::size_t i = 8; i + 4 <= end; i += 4) {
    if (i == 12) continue;  // the version
    if (i == 8 && HasAt(head, i, "crx ")) return ImageFormat::kRaw;
    for (const char* brand : {"avif", "avis"}) {
      if (HasAt(head, i, brand)) return ImageFormat::kAvif;
    }
    for (const char* brand : {"heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs"}) {
      if (HasAt(head, i, brand)) return ImageFormat::kHeic;
    }
    generic = generic || HasAt(head, i, "mif1") || HasAt(head, i, "msf1");
  }
  if (generic) return ImageFormat::kHeic;
  return std::nullopt;
}

}  // namespace

std::string_view ImageFormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "jpeg";
    case ImageFormat::kPng:
      return "png";
    case ImageFormat::kWebp:
      return "webp";
    case ImageFormat::kBmp:
      return "bmp";
    case ImageFormat::kTiff:
      return "tiff";
    case ImageFormat::kGif:
      return "gif";
    case ImageFormat::kHeic:
      return "heic";
    case ImageFormat::kAvif:
      return "avif";
    case ImageFormat::kJpeg2000:
      return "jpeg2000";
    case ImageFormat::kPnm:
      return "pnm";
    case ImageFormat::kJpegXl:
      return "jpegxl";
    case ImageFormat::kIcon:
      return "ico";
    case ImageFormat::kPsd:
      return "psd";
    case ImageFormat::kExr:
      return "exr";
    case ImageFormat::kHdr:
      return "hdr";
    case ImageFormat::kDds:
      return "dds";
    case ImageFormat::kQoi:
      return "qoi";
    case ImageFormat::kRaw:
      return "raw";
  }
  return "unknown";
}

std::optional<ImageFormat> SniffFormat(std::span<const std::byte> head) {
  using namespace std::string_view_literals;
  struct Signature {
    std::string_view bytes;
    ImageFormat format;
  };
  static constexpr Signature kSignatures[] = {
      {"\xFF\xD8\xFF"sv, ImageFormat::kJpeg},
      {"\x89PNG\r\n\x1A\n"sv, ImageFormat::kPng},
      {"II*\0"sv, ImageFormat::kTiff},
      {"MM\0*"sv, ImageFormat::kTiff},
      {"II+\0"sv, ImageFormat::kTiff},
      {"MM\0+"sv, ImageFormat::kTiff},
      {"GIF87a"sv, ImageFormat::kGif},
      {"GIF89a"sv, ImageFormat::kGif},
      {"\0\0\0\x0CjP  \r\n\x87\n"sv, ImageFormat::kJpeg2000},
      {"\xFF\x4F\xFF\x51"sv, ImageFormat::kJpeg2000},
      {"\0\0\0\x0CJXL \r\n\x87\n"sv, ImageFormat::kJpegXl},
      {"8BPS\0"sv, ImageFormat::kPsd},
      {"\x76\x2F\x31\x01"sv, ImageFormat::kExr},
      {"#?RADIANCE"sv, ImageFormat::kHdr},
      {"#?RGBE"sv, ImageFormat::kHdr},
      {"DDS \x7C\0\0\0"sv, ImageFormat::kDds},
      {"qoif"sv, ImageFormat::kQoi},
      {"IIRO\x08\0\0\0"sv, ImageFormat::kRaw},
      {"IIRS\x08\0\0\0"sv, ImageFormat::kRaw},
      {"MMOR\0\0\0\x08"sv, ImageFormat::kRaw},
      {"IIU\0"sv, ImageFormat::kRaw},
      {"FUJIFILMCCD-RAW"sv, ImageFormat::kRaw},
      {"\0MRM"sv, ImageFormat::kRaw},
      {"II\x1A\0\0\0HEAPCCDR"sv, ImageFormat::kRaw},
  };
  for (const Signature& signature : kSignatures) {
    if (HasAt(head, 0, signature.bytes)) return signature.format;
  }
  if (HasAt(head, 0, "RIFF") && HasAt(head, 8, "WEBP")) return ImageFormat::kWebp;
  if (IsBmp(head)) return ImageFormat::kBmp;
  if (IsPnm(head)) return ImageFormat::kPnm;
  if (IsIcon(head)) return ImageFormat::kIcon;
  // Behind the letters is a version, below 256.256.
  if (HasAt(head, 0, "FOVb") && HasAt(head, 5, "\0"sv) && HasAt(head, 7, "\0"sv)) {
    return ImageFormat::kRaw;
  }
  // A bare JPEG XL code stream has a two-byte signature; its third byte cannot be text.
  if (head.size() > 12 && HasAt(head, 0, "\xFF\x0A")) return ImageFormat::kJpegXl;
  return SniffHeif(head);
}

bool LooksLikeOtherPicture(std::span<const std::byte> head) {
  using namespace std::string_view_literals;
  for (const std::string_view start :
       {"%!PS"sv, "%PDF"sv, "icns"sv, "\xC5\xD0\xD3\xC6"sv, "\x01\xDA"sv, "\x28\0\0\0"sv,
        "SIMPLE"sv, "FORM"sv, "BLP"sv, "FTEX"sv, "AT&TFORM"sv, "\x8AMNG\r\n"sv, "\x8BJNG\r\n"sv}) {
    if (HasAt(head, 0, start)) return true;
  }
  if (head.size() < 18) return false;
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(head[i]); };
  const bool pcx = at(0) == 10 && at(1) <= 5 && at(2) <= 1;
  // As Pillow's TgaImagePlugin.py knows one.
  const unsigned type = at(2) & ~8U;
  const unsigned depth = at(16);
  const bool sides = (at(12) | at(13)) != 0 && (at(14) | at(15)) != 0;
  const bool tga = at(1) <= 1 && type >= 1 && type <= 3 && sides &&
                   (depth == 1 || depth == 8 || depth == 16 || depth == 24 || depth == 32);
  return pcx || tga;
}

namespace {

struct Extension {
  std::string_view text;
  ImageFormat format;
  bool images_alone = true;  // hardly any other file is named so
};

const Extension* ExtensionOf(std::string_view path) {
  static constexpr Extension kExtensions[] = {
      {"jpg", ImageFormat::kJpeg},        {"jpeg", ImageFormat::kJpeg},
      {"jpe", ImageFormat::kJpeg},        {"jfif", ImageFormat::kJpeg},
      {"pjpeg", ImageFormat::kJpeg},      {"pjp", ImageFormat::kJpeg},
      {"mpo", ImageFormat::kJpeg},        {"png", ImageFormat::kPng},
      {"apng", ImageFormat::kPng},        {"webp", ImageFormat::kWebp},
      {"bmp", ImageFormat::kBmp},         {"dib", ImageFormat::kBmp},
      {"tif", ImageFormat::kTiff},        {"tiff", ImageFormat::kTiff},
      {"gif", ImageFormat::kGif},         {"heic", ImageFormat::kHeic},
      {"heif", ImageFormat::kHeic},       {"hif", ImageFormat::kHeic},
      {"avif", ImageFormat::kAvif},       {"jp2", ImageFormat::kJpeg2000},
      {"j2k", ImageFormat::kJpeg2000},    {"j2c", ImageFormat::kJpeg2000},
      {"jpc", ImageFormat::kJpeg2000},    {"jpf", ImageFormat::kJpeg2000},
      {"jpx", ImageFormat::kJpeg2000},    {"jxl", ImageFormat::kJpegXl},
      {"pnm", ImageFormat::kPnm},         {"pbm", ImageFormat::kPnm},
      {"pgm", ImageFormat::kPnm, false},  {"ppm", ImageFormat::kPnm},
      {"ico", ImageFormat::kIcon, false}, {"psd", ImageFormat::kPsd, false},
      {"exr", ImageFormat::kExr},         {"hdr", ImageFormat::kHdr, false},
      {"dds", ImageFormat::kDds, false},  {"qoi", ImageFormat::kQoi},
  };
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return nullptr;
  const std::string_view extension = name.substr(dot + 1);
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  for (const Extension& known : kExtensions) {
    if (std::equal(known.text.begin(), known.text.end(), extension.begin(), extension.end(),
                   [&](char a, char b) { return a == lower(b); })) {
      return &known;
    }
  }
  return nullptr;
}

}  // namespace

bool IsAppleDouble(std::span<const std::byte> head) {
  using namespace std::string_view_literals;
  return HasAt(head, 0, "\0\5\x16\7"sv);
}

std::optional<ImageFormat> FormatOfName(std::string_view path) {
  const Extension* extension = ExtensionOf(path);
  return extension == nullptr ? std::nullopt : std::optional(extension->format);
}

bool NamedLikeAnImage(std::string_view path) {
  const Extension* extension = ExtensionOf(path);
  return extension != nullptr && extension->images_alone;
}

}  // namespace millrace
