#include "common/image/decode_resized.h"

#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "common/image/decoders.h"
#include "common/image/resize_kernels.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

// Resizes a JPEG's rows across while they are still in the cache; what is kept is a picture of the
// final width. Where the vertical pass comes first, or there is more to do than two passes, the
// whole picture is kept instead.
class ResizingSink final : public RowSink {
 public:
  explicit ResizingSink(const ResizeOptions& options) : options_(options) {}

  void Begin(PixelMode mode, int width, int height, int orientation) override {
    width_ = width;
    height_ = height;
    const PixelSize in{width, height};
    const bool turned = options_.apply_orientation && orientation != 1;
    if (turned || width == options_.size.width || height == options_.size.height ||
        VerticalFirst(in, options_.size, options_.order)) {
      picture_ = Picture::Uninitialized(mode, width, height);
      return;
    }
    horizontal_.emplace(BilinearWeights(width, options_.size.width),
                        static_cast<int>(BytesPerPixel(mode)));
    picture_ = Picture::Uninitialized(mode, options_.size.width, height);
    band_ = Picture::Uninitialized(mode, width, kRowsAtOnce);
  }
  std::uint8_t* Rows(int y, int /*count*/) override {
    return horizontal_ ? band_.row(0) : picture_.row(y);
  }
  void RowsDone(int y, int count) override {
    if (!horizontal_) return;
    horizontal_->Run(band_.row(0), band_.stride(), picture_.row(y), picture_.stride(), count);
  }
  void Missing(int y) override {
    std::memset(picture_.row(y), 0,
                picture_.stride() * static_cast<std::size_t>(picture_.height - y));
  }

  Result<DecodedResized> Finish(Decoded decoded) {
    decoded.picture = std::move(picture_);
    // Of a picture that has its final width already, only the vertical pass is left.
    ASSIGN_OR_RETURN(DecodedResized result, Resized(decoded, options_));
    if (horizontal_) {
      result.width = width_;
      result.height = height_;
    }
    return result;
  }

 private:
  const ResizeOptions& options_;
  int width_ = 0;
  int height_ = 0;
  std::optional<HorizontalPass> horizontal_;
  Picture band_;
  Picture picture_;
};

Result<DecodedResized> JpegResized(std::span<const std::byte> file,
                                   const DecodeOptions& decode_options,
                                   const ResizeOptions& resize_options) {
  try {
    ResizingSink sink(resize_options);
    ASSIGN_OR_RETURN(Decoded decoded, DecodeJpegInto(sink, file, decode_options));
    decoded.format = ImageFormat::kJpeg;
    return sink.Finish(std::move(decoded));
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kTooLarge, "not enough memory to decode it");
  }
}

}  // namespace

Result<DecodedResized> Resized(Decoded& decoded, const ResizeOptions& options) {
  try {
    if (options.apply_orientation) {
      decoded.picture = Oriented(std::move(decoded.picture), decoded.orientation);
    }
    DecodedResized result;
    result.format = decoded.format;
    result.mode = decoded.picture.mode;
    result.width = decoded.picture.width;
    result.height = decoded.picture.height;
    result.orientation = decoded.orientation;
    result.warnings = decoded.warnings;
    result.picture = ToRgb(ResizeLikePillow(decoded.picture, options.size, options.order));
    return result;
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kTooLarge, "not enough memory to resize it");
  }
}

Result<DecodedResized> DecodeResized(std::span<const std::byte> file,
                                     const DecodeOptions& decode_options,
                                     const ResizeOptions& resize_options) {
  ASSIGN_OR_RETURN(const ImageFormat format, CheckFile(file, decode_options));
  if (format == ImageFormat::kJpeg) return JpegResized(file, decode_options, resize_options);
  ASSIGN_OR_RETURN(Decoded decoded, DecodePicture(file, decode_options));
  return Resized(decoded, resize_options);
}

}  // namespace millrace
