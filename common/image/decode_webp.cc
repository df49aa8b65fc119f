// WebP through libwebp: the picture, or the first frame of an animation on its canvas.
#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "common/image/byte_order.h"
#include "common/image/decoders.h"
#include "common/image/exif.h"

namespace millrace {
namespace {

const std::uint8_t* Data(FileBytes bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

// The first chunk of this type; empty where there is none.
FileBytes Chunk(const WebPDemuxer* demuxer, const char* type) {
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, type, 1, &chunk) == 0) return {};
  // It is of the file's bytes, which outlive the iterator.
  const FileBytes bytes = std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size));
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

int Orientation(FileBytes file) {
  const WebPData data = {Data(file), file.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&data),
                                                                         &WebPDemuxDelete);
  if (demuxer == nullptr) return 1;
  return FindOrientation(Chunk(demuxer.get(), "EXIF"), Chunk(demuxer.get(), "XMP "));
}

// The first frame, drawn on a transparent canvas of the animation's size; in RGBA.
Result<Picture> FirstFrame(FileBytes file, int width, int height) {
  WebPAnimDecoderOptions settings;
  WebPAnimDecoderOptionsInit(&settings);
  settings.color_mode = MODE_RGBA;
  settings.use_threads = 0;
  const WebPData data = {Data(file), file.size()};
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(
      WebPAnimDecoderNew(&data, &settings), &WebPAnimDecoderDelete);
  std::uint8_t* pixels = nullptr;
  int timestamp = 0;
  if (decoder == nullptr || WebPAnimDecoderGetNext(decoder.get(), &pixels, &timestamp) == 0) {
    return Fail(ErrorCode::kCorrupt, "the WebP animation's first frame does not decode");
  }
  WebPAnimInfo info;
  if (WebPAnimDecoderGetInfo(decoder.get(), &info) == 0 ||
      info.canvas_width != static_cast<std::uint32_t>(width) ||
      info.canvas_height != static_cast<std::uint32_t>(height)) {
    return Fail(ErrorCode::kCorrupt, "the WebP animation contradicts its header");
  }
  Picture picture = Picture::Uninitialized(PixelMode::kRGBA, width, height);
  std::memcpy(picture.bytes.data(), pixels, picture.bytes.size());
  return picture;
}

Picture WithoutAlpha(const Picture& rgba) {
  Picture rgb = Picture::Uninitialized(PixelMode::kRGB, rgba.width, rgba.height);
  const std::uint8_t* from = rgba.bytes.data();
  const std::uint8_t* const end = from + rgba.bytes.size();
  for (std::uint8_t* to = rgb.bytes.data(); from != end; from += 4, to += 3) {
    std::memcpy(to, from, 3);
  }
  return rgb;
}

}  // namespace

Result<Decoded> DecodeWebp(FileBytes file, const DecodeOptions& options) {
  WebPBitstreamFeatures features;
  const VP8StatusCode header = WebPGetFeatures(Data(file), file.size(), &features);
  if (header != VP8_STATUS_OK) {
    return Fail(header == VP8_STATUS_NOT_ENOUGH_DATA ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                "the WebP header is not sound");
  }
  RETURN_IF_ERROR(CheckSize(features.width, features.height, options));
  // Pillow accepts no cut WebP, whatever its settings.
  const std::uint64_t riff_bytes = std::uint64_t{Little32(file, 4)} + 8;
  if (riff_bytes > file.size()) {
    return Fail(ErrorCode::kTruncated,
                fmt::format("the WebP has {} of its {} bytes", file.size(), riff_bytes));
  }

  Decoded decoded;
  decoded.orientation = Orientation(file);
  if (features.has_animation != 0) {
    ASSIGN_OR_RETURN(decoded.picture, FirstFrame(file, features.width, features.height));
    if (features.has_alpha == 0) decoded.picture = WithoutAlpha(decoded.picture);
    return decoded;
  }
  decoded.picture =
      Picture::Uninitialized(features.has_alpha != 0 ? PixelMode::kRGBA : PixelMode::kRGB,
                             features.width, features.height);
  Picture& picture = decoded.picture;
  const auto decode = features.has_alpha != 0 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(Data(file), file.size(), picture.bytes.data(), picture.bytes.size(),
             static_cast<int>(picture.stride())) == nullptr) {
    return Fail(ErrorCode::kCorrupt, "the WebP's data does not decode");
  }
  return decoded;
}

}  // namespace millrace
