// JPEG 2000 through OpenCV. Its pixels are not promised to equal Pillow's.
#include <fmt/format.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include "common/image/decoders.h"
#include "common/image/jpeg2000_header.h"

namespace millrace {
namespace {

// BGR(A) rows of `Sample` to RGB(A) bytes; of wider samples the high byte.
template <typename Sample>
void CopyColors(const cv::Mat& from, Picture& to) {
  const int channels = from.channels();
  for (int y = 0; y < from.rows; ++y) {
    const auto* in = from.ptr<Sample>(y);
    std::uint8_t* out = to.row(y);
    for (int x = 0; x < from.cols; ++x, in += channels, out += channels) {
      for (int c = 0; c < channels; ++c) {
        const int source = c < 3 && channels >= 3 ? 2 - c : c;
        out[c] = static_cast<std::uint8_t>(in[source] >> (8 * (sizeof(Sample) - 1)));
      }
    }
  }
}

Result<Picture> FromMat(const cv::Mat& mat) {
  const int channels = mat.channels();
  if ((mat.depth() != CV_8U && mat.depth() != CV_16U) ||
      (channels != 1 && channels != 3 && channels != 4)) {
    return Fail(ErrorCode::kUnsupportedFormat,
                "its samples are neither of 8 nor of 16 bits: convert it to PNG");
  }
  if (channels == 1) {
    const bool wide = mat.depth() == CV_16U;
    Picture picture =
        Picture::Uninitialized(wide ? PixelMode::kI16 : PixelMode::kL, mat.cols, mat.rows);
    for (int y = 0; y < mat.rows; ++y) {
      std::copy_n(mat.ptr<std::uint8_t>(y), picture.stride(), picture.row(y));
    }
    return picture;
  }
  Picture picture = Picture::Uninitialized(channels == 4 ? PixelMode::kRGBA : PixelMode::kRGB,
                                           mat.cols, mat.rows);
  if (mat.depth() == CV_8U) {
    CopyColors<std::uint8_t>(mat, picture);
  } else {
    CopyColors<std::uint16_t>(mat, picture);
  }
  return picture;
}

}  // namespace

Result<Decoded> DecodeJpeg2000(FileBytes file, const DecodeOptions& options) {
  // These sides must be those that OpenCV will find, or the caps would be checked against others:
  // where a header leaves room for two readings, it is not sound.
  const auto header = ReadJpeg2000Header(file);
  if (!header) return Fail(ErrorCode::kCorrupt, "the jpeg2000 header is not sound");
  RETURN_IF_ERROR(CheckSize(header->width, header->height, options));
  // OpenCV writes its complaints to stderr, where they would bear no file's name.
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  try {
    const cv::Mat bytes(1, static_cast<int>(file.size()), CV_8U,
                        const_cast<std::byte*>(file.data()));
    const cv::Mat mat = cv::imdecode(bytes, cv::IMREAD_UNCHANGED);
    if (mat.empty()) return Fail(ErrorCode::kCorrupt, "the jpeg2000 does not decode");
    RETURN_IF_ERROR(CheckSize(mat.cols, mat.rows, options));
    Decoded decoded;
    ASSIGN_OR_RETURN(decoded.picture, FromMat(mat));
    return decoded;
  } catch (const cv::Exception& error) {
    return Fail(ErrorCode::kCorrupt, fmt::format("the jpeg2000 does not decode: {}", error.err));
  }
}

}  // namespace millrace
