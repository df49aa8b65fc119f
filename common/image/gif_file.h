// A GIF's frames and the pixels in them, as Pillow takes them.
//
// Read here and not by giflib: that takes LZW codes which the table does not have yet and gives
// pixels for them, where Pillow stops, and it refuses bytes between the blocks, which Pillow skips.
// Sources: GifImagePlugin.py and GifDecode.c.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/image/decoders.h"

namespace millrace {

struct GifFrame {
  int left = 0;  // pixels, within the screen
  int top = 0;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  std::optional<std::uint8_t> transparent;  // an index
  std::optional<FileBytes> colors;          // its own, R, G, B each, as far as the file goes
  int code_bits = 0;                        // of a pixel's code
  std::size_t data = 0;                     // where its pixels' first block is in the file
};

// Walks over the blocks. Takes no memory of its own.
class GifFile {
 public:
  // kTruncated where the file ends before the screen's description does.
  static Result<GifFile> Open(FileBytes file);

  [[nodiscard]] int width() const { return width_; }  // of the screen
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] const std::optional<FileBytes>& colors() const { return colors_; }

  // The next frame, nothing behind the last one: how the file ends then can be asked for.
  // kTruncated where the file ends within a frame's description.
  Result<std::optional<GifFrame>> Next();

  [[nodiscard]] std::size_t at() const { return at_; }         // the end of what was read
  [[nodiscard]] bool has_trailer() const { return trailer_; }  // the block that ends a file
  // The first byte that is of no block, and not 0.
  [[nodiscard]] const std::optional<std::size_t>& stray() const { return stray_; }
  // Where there is no trailer: whether the file ends behind or within an extension that says how
  // the next frame is shown; and whether it ends within any extension.
  [[nodiscard]] bool ends_in_frame() const { return ends_in_frame_; }
  [[nodiscard]] bool ends_in_extension() const { return ends_in_extension_; }

 private:
  explicit GifFile(FileBytes file) : file_(file) {}

  [[nodiscard]] std::size_t left() const { return file_.size() - at_; }
  [[nodiscard]] int Byte(std::size_t at) const { return std::to_integer<int>(file_[at]); }
  [[nodiscard]] int Little16(std::size_t at) const { return Byte(at) | Byte(at + 1) << 8; }
  FileBytes Colors(int flags);
  bool ReadExtension(GifFrame* frame);
  bool SkipBlocks();

  FileBytes file_;
  std::size_t at_ = 0;
  int width_ = 0;
  int height_ = 0;
  std::optional<FileBytes> colors_;
  bool in_data_ = false;  // of a frame that was given last
  bool trailer_ = false;
  bool ends_in_frame_ = false;
  bool ends_in_extension_ = false;
  std::optional<std::size_t> stray_;
};

// The pixels of a frame, from its blocks.
class GifPixels {
 public:
  enum class State { kGoing, kEnded, kCut, kBroken };

  GifPixels(FileBytes file, const GifFrame& frame);

  // The pixels of the next code that has any; empty once `state` is not kGoing.
  FileBytes Next();

  // kEnded: the data ends by its own word. kCut: by the file's end. kBroken: a code that cannot be.
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  static constexpr int kTableSize = 4096;
  static constexpr int kMaxCodeBits = 12;

  int Code();  // -1: there is none

  FileBytes file_;
  std::size_t at_;
  State state_ = State::kGoing;
  int bits_;
  int clear_;
  int next_ = 0;  // the first free code
  int code_bits_ = 0;
  bool fresh_ = true;  // no code has come since the table was cleared
  int last_code_ = 0;
  std::uint8_t last_first_ = 0;  // the first pixel of the last code's
  std::size_t block_left_ = 0;
  std::uint32_t buffer_ = 0;
  int buffered_ = 0;
  std::array<std::uint8_t, kTableSize> pixel_;
  std::array<std::uint16_t, kTableSize> link_;
  std::array<std::uint8_t, kTableSize + 1> string_;  // filled from its end
};

// Goes through an interlaced or plain frame's rows in the order in which the file has them.
class GifRows {
 public:
  explicit GifRows(const GifFrame& frame) : height_(frame.height), interlaced_(frame.interlaced) {}

  [[nodiscard]] int y() const { return y_; }  // the current row; `height` behind the last one
  void Advance();

 private:
  int height_;
  bool interlaced_;
  int y_ = 0;
  int pass_ = 0;
};

}  // namespace millrace
