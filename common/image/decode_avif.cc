// AVIF through libavif, as Pillow reads it: colour of half the size is interpolated, where libheif
// repeats it. What libavif does not read goes to libheif; without libavif everything does.
#include "common/image/decoders.h"

#ifdef MILLRACE_HAVE_AVIF

#include <avif/avif.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "common/image/exif.h"
#include "common/image/heif_primary.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

using Decoder = std::unique_ptr<avifDecoder, decltype(&avifDecoderDestroy)>;

Error AvifError(avifResult result, const avifDecoder& decoder) {
  const std::string text = fmt::format("avif: {}{}{}", avifResultToString(result),
                                       *decoder.diag.error == '\0' ? "" : ": ", decoder.diag.error);
  switch (result) {
    case AVIF_RESULT_TRUNCATED_DATA:
    case AVIF_RESULT_WAITING_ON_IO:
      return {ErrorCode::kTruncated, text};
    case AVIF_RESULT_OUT_OF_MEMORY:
      return {ErrorCode::kTooLarge, text};
    case AVIF_RESULT_NO_CODEC_AVAILABLE:
    case AVIF_RESULT_NOT_IMPLEMENTED:
    case AVIF_RESULT_UNSUPPORTED_DEPTH:
      return {ErrorCode::kUnsupportedFormat, text};
    default:
      return {ErrorCode::kCorrupt, text};
  }
}

// Planes of 8 bits, for a picture of 10 or 12 whose samples are shortened before they are
// converted.
class ShortPlanes {
 public:
  // May throw std::bad_alloc.
  explicit ShortPlanes(const avifImage& from) : image_(avifImageCreateEmpty(), avifImageDestroy) {
    if (image_ == nullptr) throw std::bad_alloc();
    image_->width = from.width;
    image_->height = from.height;
    image_->depth = 8;
    image_->yuvFormat = from.yuvFormat;
    image_->yuvRange = from.yuvRange;
    image_->yuvChromaSamplePosition = from.yuvChromaSamplePosition;
    image_->colorPrimaries = from.colorPrimaries;
    image_->transferCharacteristics = from.transferCharacteristics;
    image_->matrixCoefficients = from.matrixCoefficients;
    image_->alphaPremultiplied = from.alphaPremultiplied;
    const std::size_t half_x = from.yuvFormat == AVIF_PIXEL_FORMAT_YUV444 ? 0 : 1;
    const std::size_t half_y = from.yuvFormat == AVIF_PIXEL_FORMAT_YUV420 ? 1 : 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t width = i == 0 ? from.width : (from.width + half_x) >> half_x;
      const std::size_t height = i == 0 ? from.height : (from.height + half_y) >> half_y;
      image_->yuvPlanes[i] =
          Shorten(from.yuvPlanes[i], from.yuvRowBytes[i], width, height, from.depth, planes_[i]);
      image_->yuvRowBytes[i] = static_cast<std::uint32_t>(width);
    }
    image_->alphaPlane = Shorten(from.alphaPlane, from.alphaRowBytes, from.width, from.height,
                                 from.depth, planes_[3]);
    image_->alphaRowBytes = from.width;
  }

  [[nodiscard]] const avifImage& image() const { return *image_; }

 private:
  static std::uint8_t* Shorten(const std::uint8_t* from, std::size_t row_bytes, std::size_t width,
                               std::size_t height, std::uint32_t depth,
                               std::vector<std::uint8_t>& to) {
    if (from == nullptr) return nullptr;
    to.resize(width * height);
    for (std::size_t y = 0; y < height; ++y) {
      const std::uint8_t* in = from + y * row_bytes;
      for (std::size_t x = 0; x < width; ++x) {
        std::uint16_t sample = 0;
        std::memcpy(&sample, in + 2 * x, sizeof sample);
        to[y * width + x] = static_cast<std::uint8_t>(sample >> (depth - 8));
      }
    }
    return to.data();
  }

  std::vector<std::uint8_t> planes_[4];
  std::unique_ptr<avifImage, decltype(&avifImageDestroy)> image_;
};

// Which pictures libavif 1.4 shortens to 8 bits before it converts them, because libyuv has nothing
// for their depth (getLibYUVConversionFunction in its src/reformat_libyuv.c). Older ones convert
// those by another way, and repeat colour as libheif does.
bool IsShortened(const avifImage& image) {
  if (image.depth <= 8) return false;
  const bool alpha = image.alphaPlane != nullptr;
  if (image.yuvFormat == AVIF_PIXEL_FORMAT_YUV400) return alpha;
  if (!alpha) return true;
  return image.depth == 12 && image.yuvFormat != AVIF_PIXEL_FORMAT_YUV420;
}

avifResult Convert(const avifImage& image, Picture& picture) {
  avifRGBImage rgb;
  avifRGBImageSetDefaults(&rgb, &image);
  rgb.depth = 8;
  rgb.format = picture.mode == PixelMode::kRGBA ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
  rgb.pixels = picture.bytes.data();
  rgb.rowBytes = static_cast<std::uint32_t>(picture.stride());
  return avifImageYUVToRGB(&image, &rgb);
}

// How to turn it, by the properties of the picture that was decoded.
int OrientationOf(const avifImage& image) {
  int orientation = 1;
  if ((image.transformFlags & AVIF_TRANSFORM_IROT) != 0) {
    orientation = HeifTurn(image.irot.angle);
  }
  if ((image.transformFlags & AVIF_TRANSFORM_IMIR) != 0) {
#if AVIF_VERSION_MAJOR >= 1
    const int axis = image.imir.axis;
#else
    const int axis = image.imir.mode;
#endif
    orientation = Composed(orientation, HeifMirror(axis));
  }
  if (orientation != 1) return orientation;
  // To Pillow an orientation of EXIF is overruled by there being no property, one of XMP is not.
  const auto bytes = [](const avifRWData& data) {
    return std::as_bytes(std::span(data.data, data.size));
  };
  return ExifSaysOrientation(bytes(image.exif)) ? 1 : FindOrientation({}, bytes(image.xmp));
}

Picture FirstBand(const Picture& rgb) {
  Picture grey = Picture::Uninitialized(PixelMode::kL, rgb.width, rgb.height);
  for (std::size_t i = 0; i < grey.bytes.size(); ++i)
    grey.bytes.data()[i] = rgb.bytes.data()[3 * i];
  return grey;
}

}  // namespace

Result<Decoded> DecodeAvif(FileBytes file, const DecodeOptions& options) {
  const HeifPrimary primary = ReadHeifPrimary(file);
  if (primary.width > 0 && primary.height > 0) {
    RETURN_IF_ERROR(CheckSize(primary.width, primary.height, options));
  }
  const Decoder decoder(avifDecoderCreate(), &avifDecoderDestroy);
  if (decoder == nullptr) throw std::bad_alloc();
  // Replicas share the machine's cores already.
  decoder->maxThreads = 1;
  // Old encoders leave out properties that a picture can be read without.
  decoder->strictFlags = AVIF_STRICT_DISABLED;
  decoder->imageSizeLimit = static_cast<std::uint32_t>(
      std::min<std::int64_t>(options.max_pixels, AVIF_DEFAULT_IMAGE_SIZE_LIMIT));
  decoder->imageDimensionLimit = static_cast<std::uint32_t>(options.max_side);
  avifResult result = avifDecoderSetIOMemory(
      decoder.get(), reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  if (result == AVIF_RESULT_OK) result = avifDecoderParse(decoder.get());
  // Overlays, for one.
  if (result != AVIF_RESULT_OK) return DecodeHeif(file, options, ImageFormat::kAvif);
  result = avifDecoderNextImage(decoder.get());
  if (result != AVIF_RESULT_OK) return Fail(AvifError(result, *decoder));

  const avifImage& image = *decoder->image;
  RETURN_IF_ERROR(CheckSize(image.width, image.height, options));
  Decoded decoded;
  const bool alpha = image.alphaPlane != nullptr;
  decoded.picture =
      Picture::Uninitialized(alpha ? PixelMode::kRGBA : PixelMode::kRGB,
                             static_cast<int>(image.width), static_cast<int>(image.height));
  if (IsShortened(image)) {
    result = Convert(ShortPlanes(image).image(), decoded.picture);
  } else {
    result = Convert(image, decoded.picture);
  }
  if (result != AVIF_RESULT_OK) return Fail(AvifError(result, *decoder));
  if (!alpha && image.yuvFormat == AVIF_PIXEL_FORMAT_YUV400) {
    decoded.picture = FirstBand(decoded.picture);
  }
  decoded.orientation = OrientationOf(image);
  return decoded;
}

}  // namespace millrace

#else

namespace millrace {

Result<Decoded> DecodeAvif(FileBytes file, const DecodeOptions& options) {
  return DecodeHeif(file, options, ImageFormat::kAvif);
}

}  // namespace millrace

#endif
