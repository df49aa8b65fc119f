// HEIC through libheif, where it was found when this was built; and AVIF that libavif does not
// read.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "common/image/decoders.h"

#ifdef MILLRACE_HAVE_HEIF
#include "common/image/heif_error.h"
#include "common/image/heif_primary.h"
#include "common/image/transpose.h"
#endif

namespace millrace {

#ifdef MILLRACE_HAVE_HEIF

namespace {

// Debian's package with the decoder that libheif loads for a format.
const char* PluginPackage(ImageFormat format) {
  return format == ImageFormat::kAvif ? "libheif-plugin-dav1d or libheif-plugin-aomdec"
                                      : "libheif-plugin-libde265";
}

// libheif's text, which may end in a line break.
std::string TextOf(const heif_error& error) {
  std::string text = error.message == nullptr ? "no reason given" : error.message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

template <typename T>
using Owned = std::unique_ptr<T, void (*)(const T*)>;

}  // namespace

Error HeifError(const heif_error& error, ImageFormat format) {
  const std::string text = fmt::format("{}: {}", ImageFormatName(format), TextOf(error));
  switch (error.code) {
    case heif_error_Unsupported_feature:
    case heif_error_Decoder_plugin_error:
      return {ErrorCode::kUnsupportedFormat,
              fmt::format("{}; where libheif lacks its decoder, install {}", text,
                          PluginPackage(format))};
    case heif_error_Unsupported_filetype:
      return {ErrorCode::kUnsupportedFormat, text};
    case heif_error_Memory_allocation_error:
      return {ErrorCode::kTooLarge, text};  // libheif's own caps
    default:
      break;
  }
  const bool ended = error.subcode == heif_suberror_End_of_data;
  return {ended ? ErrorCode::kTruncated : ErrorCode::kCorrupt, text};
}

Result<Decoded> DecodeHeif(FileBytes file, const DecodeOptions& options, ImageFormat format) {
  const std::unique_ptr<heif_context, decltype(&heif_context_free)> context(heif_context_alloc(),
                                                                            &heif_context_free);
  if (context == nullptr) throw std::bad_alloc();
  // Replicas share the machine's cores already.
  heif_context_set_max_decoding_threads(context.get(), 0);
  heif_error error =
      heif_context_read_from_memory_without_copy(context.get(), file.data(), file.size(), nullptr);
  if (error.code != heif_error_Ok) return Fail(HeifError(error, format));
  heif_image_handle* raw_handle = nullptr;
  error = heif_context_get_primary_image_handle(context.get(), &raw_handle);
  if (error.code != heif_error_Ok) return Fail(HeifError(error, format));
  const Owned<heif_image_handle> handle(raw_handle, heif_image_handle_release);
  RETURN_IF_ERROR(CheckSize(heif_image_handle_get_width(handle.get()),
                            heif_image_handle_get_height(handle.get()), options));

  const std::unique_ptr<heif_decoding_options, decltype(&heif_decoding_options_free)> decoding(
      heif_decoding_options_alloc(), &heif_decoding_options_free);
  if (decoding == nullptr) throw std::bad_alloc();
  // The picture is wanted as it is stored, but cropped: libheif turns and crops, or does neither.
  const HeifPrimary primary = ReadHeifPrimary(file);
  decoding->ignore_transformations = primary.cropped ? 0 : 1;
  const bool alpha = heif_image_handle_has_alpha_channel(handle.get()) != 0;
  heif_image* raw_image = nullptr;
  error = heif_decode_image(handle.get(), &raw_image, heif_colorspace_RGB,
                            alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                            decoding.get());
  if (error.code != heif_error_Ok) return Fail(HeifError(error, format));
  const Owned<heif_image> image(raw_image, heif_image_release);
  int stride = 0;
  const std::uint8_t* pixels =
      heif_image_get_plane_readonly(image.get(), heif_channel_interleaved, &stride);
  const int width = heif_image_get_width(image.get(), heif_channel_interleaved);
  const int height = heif_image_get_height(image.get(), heif_channel_interleaved);
  if (pixels == nullptr) return Fail(ErrorCode::kCorrupt, "the picture has no pixels");
  RETURN_IF_ERROR(CheckSize(width, height, options));

  Decoded decoded;
  decoded.picture =
      Picture::Uninitialized(alpha ? PixelMode::kRGBA : PixelMode::kRGB, width, height);
  for (int y = 0; y < height; ++y) {
    std::memcpy(decoded.picture.row(y), pixels + std::ptrdiff_t{stride} * y,
                decoded.picture.stride());
  }
  decoded.orientation = primary.orientation;
  if (primary.cropped) {
    decoded.picture = Oriented(std::move(decoded.picture), Inverse(primary.orientation));
  }
  return decoded;
}

#else

Result<Decoded> DecodeHeif(FileBytes, const DecodeOptions&, ImageFormat format) {
  return Fail(ErrorCode::kUnsupportedFormat,
              fmt::format("this build reads no {} files: install libheif-dev and build again",
                          ImageFormatName(format)));
}

#endif

}  // namespace millrace
