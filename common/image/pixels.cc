#include "common/image/pixels.h"

#include <cstring>
#include <new>

namespace millrace {

std::string_view PixelModeName(PixelMode mode) {
  switch (mode) {
    case PixelMode::kBilevel:
      return "1";
    case PixelMode::kL:
      return "L";
    case PixelMode::kLA:
      return "LA";
    case PixelMode::kP:
      return "P";
    case PixelMode::kRGB:
      return "RGB";
    case PixelMode::kRGBA:
      return "RGBA";
    case PixelMode::kCMYK:
      return "CMYK";
    case PixelMode::kI16:
      return "I;16";
    case PixelMode::kI:
      return "I";
  }
  return "?";
}

std::size_t BytesPerPixel(PixelMode mode) {
  switch (mode) {
    case PixelMode::kBilevel:
    case PixelMode::kL:
    case PixelMode::kP:
      return 1;
    case PixelMode::kLA:
    case PixelMode::kI16:
    case PixelMode::kI:
      return 2;
    case PixelMode::kRGB:
      return 3;
    case PixelMode::kRGBA:
    case PixelMode::kCMYK:
      return 4;
  }
  return 0;
}

PixelBytes PixelBytes::Uninitialized(std::size_t size) {
  void* memory = std::malloc(size + kSlack);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(static_cast<std::uint8_t*>(memory) + size, 0, kSlack);
  return {static_cast<std::uint8_t*>(memory), size};
}

PixelBytes PixelBytes::Zeroed(std::size_t size) {
  // calloc: pages that a cut file never reaches are never touched.
  void* memory = std::calloc(size + kSlack, 1);
  if (memory == nullptr) throw std::bad_alloc();
  return {static_cast<std::uint8_t*>(memory), size};
}

namespace {

Picture Make(PixelMode mode, int width, int height, PixelBytes (*allocate)(std::size_t)) {
  Picture picture;
  picture.mode = mode;
  picture.width = width;
  picture.height = height;
  picture.bytes = allocate(picture.stride() * static_cast<std::size_t>(height));
  return picture;
}

}  // namespace

Picture Picture::Uninitialized(PixelMode mode, int width, int height) {
  return Make(mode, width, height, PixelBytes::Uninitialized);
}

Picture Picture::Zeroed(PixelMode mode, int width, int height) {
  return Make(mode, width, height, PixelBytes::Zeroed);
}

}  // namespace millrace
