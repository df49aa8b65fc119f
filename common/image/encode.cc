#include "common/image/encode.h"

#include <fmt/format.h>
#include <png.h>
#include <webp/encode.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>

namespace millrace {
namespace {

constexpr std::pair<std::string_view, FileFormat> kExtensions[] = {
    {"jpg", FileFormat::kJpeg},  {"jpeg", FileFormat::kJpeg}, {"jpe", FileFormat::kJpeg},
    {"jfif", FileFormat::kJpeg}, {"pjp", FileFormat::kJpeg},  {"pjpeg", FileFormat::kJpeg},
    {"png", FileFormat::kPng},   {"webp", FileFormat::kWebp}, {"bmp", FileFormat::kBmp},
    {"dib", FileFormat::kBmp},   {"tif", FileFormat::kTiff},  {"tiff", FileFormat::kTiff},
};

tl::unexpected<Error> CannotEncode(const PixelView& view, FileFormat format, std::string_view why) {
  return Fail(ErrorCode::kWriteFailed,
              fmt::format("cannot encode {}x{} pixels as {}: {}", view.width, view.height,
                          FileSuffix(format), why));
}

Result<void> CheckSides(const PixelView& view, FileFormat format, int longest) {
  if (std::max(view.width, view.height) <= longest) return {};
  return Fail(ErrorCode::kTooLarge,
              fmt::format("cannot write {}x{} pixels as {}, which holds {} a side: choose another "
                          "format",
                          view.width, view.height, FileSuffix(format), longest));
}

// libpng's simplified interface: it reports errors by return value instead of longjmp. `format` is
// one of PNG_FORMAT_*; `palette` is for those with a colour map.
Result<FileBytes> EncodePng(const PixelView& view, png_uint_32 format, const Rgb* palette) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(view.width);
  image.height = static_cast<png_uint_32>(view.height);
  image.format = format;
  image.colormap_entries = palette == nullptr ? 0 : 256;
  FileBytes bytes(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = bytes.size();
  const bool written =
      png_image_write_to_memory(&image, bytes.data(), &size, 0, view.data, 0, palette) != 0;
  const std::string why = image.message;
  png_image_free(&image);
  if (!written) return CannotEncode(view, FileFormat::kPng, why);
  bytes.resize(size);
  return bytes;
}

Result<FileBytes> EncodeWebp(const PixelView& rgb, int quality) {
  RETURN_IF_ERROR(CheckSides(rgb, FileFormat::kWebp, WEBP_MAX_DIMENSION));
  std::uint8_t* encoded = nullptr;
  const std::size_t size = WebPEncodeRGB(rgb.data, rgb.width, rgb.height, rgb.width * 3,
                                         static_cast<float>(quality), &encoded);
  const std::unique_ptr<std::uint8_t, decltype(&WebPFree)> owned(encoded, &WebPFree);
  if (size == 0) return CannotEncode(rgb, FileFormat::kWebp, "libwebp gives no reason");
  return FileBytes(encoded, encoded + size);
}

Result<FileBytes> EncodeByOpenCv(const PixelView& rgb, FileFormat format, int quality) {
  if (format == FileFormat::kJpeg) RETURN_IF_ERROR(CheckSides(rgb, format, 65'535));
  try {
    // OpenCV has no view of constant pixels; cvtColor only reads them.
    const cv::Mat view(rgb.height, rgb.width, CV_8UC3, const_cast<std::uint8_t*>(rgb.data));
    cv::Mat bgr;
    cv::cvtColor(view, bgr, cv::COLOR_RGB2BGR);
    std::vector<int> parameters;
    if (format == FileFormat::kJpeg) parameters = {cv::IMWRITE_JPEG_QUALITY, quality};
    FileBytes bytes;
    if (!cv::imencode("." + std::string(FileSuffix(format)), bgr, bytes, parameters)) {
      return CannotEncode(rgb, format, "OpenCV gives no reason");
    }
    return bytes;
  } catch (const std::exception& e) {
    return CannotEncode(rgb, format, e.what());
  }
}

}  // namespace

std::string_view FileSuffix(FileFormat format) {
  switch (format) {
    case FileFormat::kJpeg:
      return "jpg";
    case FileFormat::kPng:
      return "png";
    case FileFormat::kWebp:
      return "webp";
    case FileFormat::kBmp:
      return "bmp";
    case FileFormat::kTiff:
      return "tif";
  }
  return "";
}

std::optional<FileFormat> FileFormatOfName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  std::string extension(name.substr(dot + 1));
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const auto& [known, format] : kExtensions) {
    if (extension == known) return format;
  }
  return std::nullopt;
}

Result<FileBytes> EncodeRgb(const PixelView& rgb, FileFormat format, int quality) {
  switch (format) {
    case FileFormat::kPng:
      return EncodePng(rgb, PNG_FORMAT_RGB, nullptr);
    case FileFormat::kWebp:
      return EncodeWebp(rgb, quality);
    case FileFormat::kJpeg:
    case FileFormat::kBmp:
    case FileFormat::kTiff:
      return EncodeByOpenCv(rgb, format, quality);
  }
  return CannotEncode(rgb, format, "no such format");
}

Result<FileBytes> EncodeGreyPng(const PixelView& grey) {
  return EncodePng(grey, PNG_FORMAT_GRAY, nullptr);
}

Result<FileBytes> EncodeIndexedPng(const PixelView& indices, std::span<const Rgb, 256> palette) {
  return EncodePng(indices, PNG_FORMAT_RGB_COLORMAP, palette.data());
}

}  // namespace millrace
