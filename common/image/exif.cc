#include "common/image/exif.h"

#include <optional>
#include <string_view>

#include "common/image/tiff_directory.h"

namespace millrace {
namespace {

std::string_view Text(FileBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<TiffDirectory> ReadExif(FileBytes block) {
  using namespace std::string_view_literals;
  for (int times = 0; times < 2 && Text(block).starts_with("Exif\0\0"sv); ++times) {
    block = block.subspan(6);
  }
  const auto header = ReadTiffHeader(block);
  if (!header) return std::nullopt;
  return TiffDirectory::Read(block, *header, header->first);
}

// The expression tiff:Orientation(="|>)([0-9]) of Pillow's Image.getexif.
int XmpOrientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at)) {
    at += kName.size();
    std::string_view rest = xmp.substr(at);
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (rest.empty() || rest[0] < '0' || rest[0] > '9') continue;
    return rest[0] >= '1' && rest[0] <= '8' ? rest[0] - '0' : 1;
  }
  return 1;
}

}  // namespace

bool ExifSaysOrientation(std::span<const std::byte> exif) {
  const auto directory = ReadExif(exif);
  return directory && directory->SaysOrientation();
}

int FindOrientation(std::span<const std::byte> exif, std::span<const std::byte> xmp) {
  if (const auto directory = ReadExif(exif); directory && directory->SaysOrientation()) {
    return directory->Orientation();
  }
  return XmpOrientation(Text(xmp));
}

bool ExifParses(std::span<const std::byte> block) { return ReadExif(block).has_value(); }

}  // namespace millrace
