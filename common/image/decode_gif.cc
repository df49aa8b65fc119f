// GIF: the first frame, on a screen that is as large as Pillow makes it.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/image/decoders.h"
#include "common/image/gif_file.h"

namespace millrace {
namespace {

// Pillow takes a picture whose palette gives each index its own grey for a grey one.
bool IsGreyRamp(FileBytes colors) {
  for (std::size_t i = 0; i < colors.size(); ++i) {
    if (std::to_integer<std::size_t>(colors[i]) != i / 3) return false;
  }
  return colors.size() % 3 == 0;
}

// Nothing where the frame is grey.
std::unique_ptr<Palette> PaletteOf(const GifFile& gif, const GifFrame& frame) {
  const std::optional<FileBytes>& colors = frame.colors ? frame.colors : gif.colors();
  if (!colors || IsGreyRamp(*colors)) return nullptr;
  auto palette = std::make_unique<Palette>();
  std::memcpy(palette->data(), colors->data(), std::min(colors->size(), palette->size()));
  return palette;
}

// The frame's pixels to their places; says how many of them there are.
std::int64_t Draw(GifPixels& pixels, const GifFrame& frame, Picture& picture) {
  GifRows rows(frame);
  std::int64_t drawn = 0;
  int x = 0;
  while (rows.y() < frame.height) {
    FileBytes some = pixels.Next();
    if (some.empty()) break;
    while (!some.empty() && rows.y() < frame.height) {
      const std::size_t count = std::min(some.size(), static_cast<std::size_t>(frame.width - x));
      std::memcpy(picture.row(frame.top + rows.y()) + frame.left + x, some.data(), count);
      some = some.subspan(count);
      drawn += static_cast<std::int64_t>(count);
      x += static_cast<int>(count);
      if (x < frame.width) continue;
      x = 0;
      rows.Advance();
    }
  }
  return drawn;
}

}  // namespace

Result<Decoded> DecodeGif(FileBytes file, const DecodeOptions& options) {
  ASSIGN_OR_RETURN(GifFile gif, GifFile::Open(file));
  ASSIGN_OR_RETURN(const std::optional<GifFrame> found, gif.Next());
  if (!found) {
    return Fail(gif.has_trailer() ? ErrorCode::kCorrupt : ErrorCode::kTruncated,
                "the GIF has no frame");
  }
  const GifFrame& frame = *found;
  // The screen grows where the frame needs it.
  const int width = std::max(gif.width(), frame.left + frame.width);
  const int height = std::max(gif.height(), frame.top + frame.height);
  RETURN_IF_ERROR(CheckSize(width, height, options));
  if (frame.width == 0 || frame.height == 0) {
    return Fail(ErrorCode::kCorrupt, "the GIF's first frame has no pixels");
  }

  Decoded decoded;
  Picture& picture = decoded.picture;
  std::unique_ptr<Palette> palette = PaletteOf(gif, frame);
  picture = Picture::Zeroed(palette ? PixelMode::kP : PixelMode::kL, width, height);
  picture.palette = std::move(palette);
  if (frame.transparent) {
    std::memset(picture.bytes.data(), *frame.transparent, picture.bytes.size());
  }
  GifPixels pixels(file, frame);
  const std::int64_t wanted = std::int64_t{frame.width} * frame.height;
  const std::int64_t drawn = Draw(pixels, frame, picture);
  if (drawn < wanted) {
    RETURN_IF_ERROR(NoteTruncated(
        pixels.state() != GifPixels::State::kBroken,
        fmt::format("the GIF's first frame has {} of {} pixels", drawn, wanted), options, decoded));
  }
  return decoded;
}

}  // namespace millrace
