// Pictures in memory, in the modes that Pillow keeps them in: the resize depends on the mode.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace millrace {

// How a picture's pixels are laid out, rows packed without padding. The names and meanings are
// Pillow's (its "Concepts" page); only the storage of LA and I differs.
enum class PixelMode {
  kBilevel,  // "1": one byte a pixel, 0 or 255
  kL,        // grey, one byte
  kLA,       // grey and alpha, two bytes
  kP,        // index into the palette, one byte
  kRGB,      // three bytes
  kRGBA,     // four bytes, alpha not premultiplied
  kCMYK,     // four bytes, 255 is full ink
  kI16,      // "I;16": 16-bit grey in the machine's byte order, two bytes
  kI,        // "I", of which only 0 to 65535 occurs here: stored and resized as kI16 is
};

std::string_view PixelModeName(PixelMode mode);  // Pillow's: "1", "L", "RGB", "I;16", ...
std::size_t BytesPerPixel(PixelMode mode);

// A block of bytes that may be left uninitialised and that can be read (not written) up to kSlack
// bytes beyond its end, so that vector code may load whole registers at the end of the last row.
// Throws std::bad_alloc where the memory is not to be had; DecodePicture turns that into an Error.
class PixelBytes {
 public:
  static constexpr std::size_t kSlack = 64;

  PixelBytes() = default;
  static PixelBytes Uninitialized(std::size_t size);
  static PixelBytes Zeroed(std::size_t size);

  [[nodiscard]] std::uint8_t* data() { return data_.get(); }
  [[nodiscard]] const std::uint8_t* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::uint8_t* pointer) const { std::free(pointer); }
  };
  PixelBytes(std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  std::unique_ptr<std::uint8_t[], Free> data_;
  std::size_t size_ = 0;
};

// 256 entries of R, G, B. Entries that the file does not define are black, as in Pillow.
using Palette = std::array<std::uint8_t, 768>;

// A picture. Invariant: bytes.size() == width * height * BytesPerPixel(mode); width, height >= 1.
struct Picture {
  PixelMode mode = PixelMode::kRGB;
  int width = 0;   // pixels
  int height = 0;  // pixels
  PixelBytes bytes;
  std::unique_ptr<Palette> palette;  // kP only

  [[nodiscard]] std::size_t stride() const {
    return static_cast<std::size_t>(width) * BytesPerPixel(mode);
  }
  [[nodiscard]] std::uint8_t* row(int y) {
    return bytes.data() + static_cast<std::size_t>(y) * stride();
  }
  [[nodiscard]] const std::uint8_t* row(int y) const {
    return bytes.data() + static_cast<std::size_t>(y) * stride();
  }

  static Picture Uninitialized(PixelMode mode, int width, int height);
  static Picture Zeroed(PixelMode mode, int width, int height);
};

}  // namespace millrace
