// What has no decoder of its own here goes through OpenCV: PNM and JPEG 2000. Its pixels are not
// promised to equal Pillow's.
#include <fmt/format.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <optional>

#include "common/image/decoders.h"
#include "common/image/jpeg2000_header.h"
#include "common/image/resize.h"

namespace millrace {
namespace {

struct Sides {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// The sides below must be those that OpenCV will find, or the caps would be checked against others:
// where a header leaves room for two readings, it is not sound.

// "P6", then width and height, each after white space or comments and before white space.
std::optional<Sides> PnmSides(FileBytes file) {
  std::int64_t numbers[2] = {0, 0};
  std::size_t at = 2;
  const auto peek = [&] { return at < file.size() ? std::to_integer<int>(file[at]) : -1; };
  const auto at_space = [&] {
    return peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r';
  };
  for (std::int64_t& number : numbers) {
    while (at_space() || peek() == '#') {
      if (peek() == '#') {
        while (peek() != '\n' && peek() != '\r' && peek() != -1) ++at;
      } else {
        ++at;
      }
    }
    for (; peek() >= '0' && peek() <= '9'; ++at) {
      number = std::min(number * 10 + (peek() - '0'), std::int64_t{1} << 40);
    }
    if (!at_space()) return std::nullopt;
  }
  return Sides{numbers[0], numbers[1]};
}

std::optional<Sides> SidesOf(FileBytes file, ImageFormat format) {
  switch (format) {
    case ImageFormat::kPnm:
      return PnmSides(file);
    case ImageFormat::kJpeg2000: {
      const auto header = ReadJpeg2000Header(file);
      if (!header) return std::nullopt;
      return Sides{header->width, header->height};
    }
    default:
      return std::nullopt;
  }
}

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

Result<Decoded> DecodeWithOpenCv(FileBytes file, const DecodeOptions& options, ImageFormat format) {
  const auto sides = SidesOf(file, format);
  if (!sides) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the {} header is not sound", ImageFormatName(format)));
  }
  RETURN_IF_ERROR(CheckSize(sides->width, sides->height, options));
  // OpenCV writes its complaints to stderr, where they would bear no file's name.
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  try {
    const cv::Mat bytes(1, static_cast<int>(file.size()), CV_8U,
                        const_cast<std::byte*>(file.data()));
    const cv::Mat mat = cv::imdecode(bytes, cv::IMREAD_UNCHANGED);
    if (mat.empty()) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("the {} does not decode", ImageFormatName(format)));
    }
    RETURN_IF_ERROR(CheckSize(mat.cols, mat.rows, options));
    Decoded decoded;
    ASSIGN_OR_RETURN(decoded.picture, FromMat(mat));
    return decoded;
  } catch (const cv::Exception& error) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the {} does not decode: {}", ImageFormatName(format), error.err));
  }
}

}  // namespace millrace
