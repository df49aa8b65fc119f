#include "common/image/gif_file.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::size_t kScreenBytes = 13;
constexpr std::size_t kFrameBytes = 9;  // behind its introducer
constexpr int kExtension = '!';
constexpr int kFrame = ',';
constexpr int kTrailer = ';';
constexpr int kHasColors = 0x80;
constexpr int kInterlaced = 0x40;
constexpr int kGraphicControl = 0xF9;

}  // namespace

Result<GifFile> GifFile::Open(FileBytes file) {
  if (file.size() < kScreenBytes) {
    return Fail(ErrorCode::kTruncated, "the GIF ends within its header");
  }
  GifFile gif(file);
  gif.width_ = gif.Little16(6);
  gif.height_ = gif.Little16(8);
  gif.at_ = kScreenBytes;
  const int flags = gif.Byte(10);
  if ((flags & kHasColors) != 0) gif.colors_ = gif.Colors(flags);
  return gif;
}

FileBytes GifFile::Colors(int flags) {
  const std::size_t wanted = std::size_t{3} << ((flags & 7) + 1);
  const FileBytes colors = file_.subspan(at_, std::min(wanted, left()));
  at_ += colors.size();
  return colors;
}

bool GifFile::SkipBlocks() {
  while (left() > 0) {
    const auto size = static_cast<std::size_t>(Byte(at_++));
    if (size == 0) return true;
    at_ += std::min(size, left());
  }
  return false;
}

// Behind its introducer; false where the file ends within it.
bool GifFile::ReadExtension(GifFrame* frame) {
  if (left() == 0) return false;
  const int label = Byte(at_++);
  if (label == kGraphicControl) ends_in_frame_ = true;
  if (left() < 2) return false;
  const auto size = static_cast<std::size_t>(Byte(at_));
  if (size == 0) {
    ++at_;
    // Pillow goes on to skip blocks behind an empty one too, but for comments.
    return label == 0xFE || SkipBlocks();
  }
  if (label == kGraphicControl && left() > 4 && size >= 4 && (Byte(at_ + 1) & 1) != 0) {
    frame->transparent = static_cast<std::uint8_t>(Byte(at_ + 4));
  }
  return SkipBlocks();
}

Result<std::optional<GifFrame>> GifFile::Next() {
  if (in_data_ && !SkipBlocks()) return std::optional<GifFrame>();
  in_data_ = false;
  const auto cut = [this] {
    at_ = file_.size();
    return Fail(ErrorCode::kTruncated, "the GIF ends within a frame's description");
  };
  GifFrame frame;
  while (left() > 0) {
    const int block = Byte(at_++);
    if (block == kTrailer) {
      trailer_ = true;
      return std::optional<GifFrame>();
    }
    if (block == kExtension) {
      if (ReadExtension(&frame)) continue;
      ends_in_extension_ = true;
      return std::optional<GifFrame>();
    }
    if (block != kFrame) {
      if (block != 0 && !stray_) stray_ = at_ - 1;
      continue;
    }
    if (left() < kFrameBytes) return cut();
    frame.left = Little16(at_);
    frame.top = Little16(at_ + 2);
    frame.width = Little16(at_ + 4);
    frame.height = Little16(at_ + 6);
    const int flags = Byte(at_ + 8);
    at_ += kFrameBytes;
    frame.interlaced = (flags & kInterlaced) != 0;
    if ((flags & kHasColors) != 0) frame.colors = Colors(flags);
    if (left() == 0) return cut();
    frame.code_bits = Byte(at_++);
    frame.data = at_;
    in_data_ = true;
    ends_in_frame_ = false;
    return std::optional<GifFrame>(frame);
  }
  return std::optional<GifFrame>();
}

GifPixels::GifPixels(FileBytes file, const GifFrame& frame)
    : file_(file), at_(frame.data), bits_(frame.code_bits), clear_(1 << std::min(bits_, 16)) {
  if (bits_ > kMaxCodeBits) state_ = State::kBroken;
  next_ = clear_ + 2;
  code_bits_ = bits_ + 1;
}

int GifPixels::Code() {
  while (buffered_ < code_bits_) {
    if (block_left_ == 0) {
      // Pillow waits for a whole block before it takes any of it.
      if (at_ == file_.size()) {
        state_ = State::kCut;
        return -1;
      }
      const auto size = std::to_integer<std::size_t>(file_[at_]);
      if (size == 0) {
        state_ = State::kEnded;
        return -1;
      }
      if (file_.size() - at_ - 1 < size) {
        state_ = State::kCut;
        return -1;
      }
      block_left_ = size;
      ++at_;
    }
    buffer_ |= std::to_integer<std::uint32_t>(file_[at_++]) << buffered_;
    buffered_ += 8;
    --block_left_;
  }
  const int code = static_cast<int>(buffer_ & ((1U << code_bits_) - 1));
  buffer_ >>= code_bits_;
  buffered_ -= code_bits_;
  return code;
}

FileBytes GifPixels::Next() {
  const auto broken = [this] {
    state_ = State::kBroken;
    return FileBytes();
  };
  while (state_ == State::kGoing) {
    int code = Code();
    if (code < 0) break;
    if (code == clear_) {
      next_ = clear_ + 2;
      code_bits_ = bits_ + 1;
      fresh_ = true;
      continue;
    }
    if (code == clear_ + 1) {
      state_ = State::kEnded;
      break;
    }
    std::size_t begin = string_.size();
    if (fresh_) {
      if (code > clear_) return broken();
      fresh_ = false;
      last_code_ = code;
      last_first_ = static_cast<std::uint8_t>(code);
      string_[--begin] = last_first_;
      return std::as_bytes(std::span(string_)).subspan(begin);
    }
    if (code > next_) return broken();
    const int whole = code;
    if (code == next_) {  // the last code's pixels and the first of them again
      string_[--begin] = last_first_;
      code = last_code_;
    }
    while (code >= clear_) {
      if (begin == 1 || code >= kTableSize) return broken();
      string_[--begin] = pixel_[static_cast<std::size_t>(code)];
      code = link_[static_cast<std::size_t>(code)];
    }
    last_first_ = static_cast<std::uint8_t>(code);
    string_[--begin] = last_first_;
    if (next_ < kTableSize) {
      pixel_[static_cast<std::size_t>(next_)] = last_first_;
      link_[static_cast<std::size_t>(next_)] = static_cast<std::uint16_t>(last_code_);
      if (next_ == (1 << code_bits_) - 1 && code_bits_ < kMaxCodeBits) ++code_bits_;
      ++next_;
    }
    last_code_ = whole;
    return std::as_bytes(std::span(string_)).subspan(begin);
  }
  return {};
}

void GifRows::Advance() {
  constexpr std::array<int, 4> kStep = {8, 8, 4, 2};
  constexpr std::array<int, 4> kNextStart = {4, 2, 1, 0};
  if (!interlaced_) {
    ++y_;
    return;
  }
  y_ += kStep[static_cast<std::size_t>(pass_)];
  while (y_ >= height_ && pass_ < 3) y_ = kNextStart[static_cast<std::size_t>(pass_++)];
  if (y_ >= height_) y_ = height_;
}

}  // namespace millrace
