#include "common/image/inspect/png_rows.h"

#include <libdeflate.h>

#include <algorithm>
#include <new>
#include <string_view>

namespace millrace {
namespace {

// Adam7's passes: first column and row, and the steps (PNG specification, 8.2).
struct Adam7 {
  int x, y, dx, dy;
};
constexpr std::array<Adam7, 7> kAdam7 = {{{0, 0, 8, 8},
                                          {4, 0, 8, 8},
                                          {0, 4, 4, 8},
                                          {2, 0, 4, 4},
                                          {0, 2, 2, 4},
                                          {1, 0, 2, 2},
                                          {0, 1, 1, 2}}};

constexpr std::uint8_t kLastFilter = 4;

// Bytes of the checksum that zlib may have in hand when the last row is complete, and some more.
constexpr std::size_t kTakenAhead = 8;

}  // namespace

int PngBits(int depth, int color_type) {
  const bool byte_or_two = depth == 8 || depth == 16;
  const bool small = depth == 1 || depth == 2 || depth == 4;
  switch (color_type) {
    case 0:
      return small || byte_or_two ? depth : 0;
    case 2:
      return byte_or_two ? 3 * depth : 0;
    case 3:
      return small || depth == 8 ? depth : 0;
    case 4:
      return byte_or_two ? 2 * depth : 0;
    case 6:
      return byte_or_two ? 4 * depth : 0;
    default:
      return 0;
  }
}

PngRows::PngRows(const PngShape& shape)
    : buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kBufferBytes)) {
  const auto row_bytes = [&](std::int64_t width) { return (width * shape.bits + 7) / 8 + 1; };
  if (shape.interlaced) {
    passes_ = static_cast<int>(kAdam7.size());
    for (std::size_t i = 0; i < kAdam7.size(); ++i) {
      const Adam7& pass = kAdam7[i];
      const std::int64_t width = (shape.width - pass.x + pass.dx - 1) / pass.dx;
      const std::int64_t height = (shape.height - pass.y + pass.dy - 1) / pass.dy;
      if (width > 0 && height > 0) pass_shapes_[i] = {height, row_bytes(width)};
    }
  } else {
    pass_shapes_[0] = {shape.height, row_bytes(shape.width)};
  }
  for (int i = 0; i < passes_; ++i) {
    const Pass& pass = pass_shapes_[static_cast<std::size_t>(i)];
    total_ += pass.rows * pass.row_bytes;
  }
  SkipEmptyPasses();
  if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
}

PngRows::~PngRows() { inflateEnd(&stream_); }

bool PngRows::WrongChecksum() const {
  return stream_.msg != nullptr && std::string_view(stream_.msg) == "incorrect data check";
}

void PngRows::SkipEmptyPasses() {
  while (pass_ < passes_ && pass_shapes_[static_cast<std::size_t>(pass_)].rows == 0) ++pass_;
}

double PngRows::Missing() const {
  return 1.0 - static_cast<double>(taken_) / static_cast<double>(std::max<std::int64_t>(total_, 1));
}

bool PngRows::IsWhole(FileBytes data) const {
  if (total_ > kMaxWholeBytes) return false;
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> inflater(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (inflater == nullptr) throw std::bad_alloc();
  const auto size = static_cast<std::size_t>(total_);
  const auto rows = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  std::size_t used = 0;
  std::size_t made = 0;
  // The output is as long as the rows are: libdeflate is done with data that makes more.
  const libdeflate_result result = libdeflate_zlib_decompress_ex(
      inflater.get(), data.data(), data.size(), rows.get(), size, &used, &made);
  if (result != LIBDEFLATE_SUCCESS || made != size) return false;
  const std::uint8_t* row = rows.get();
  for (const Pass& pass : pass_shapes_) {
    for (std::int64_t y = 0; y < pass.rows; ++y, row += pass.row_bytes) {
      if (*row > kLastFilter) return false;
    }
  }
  return true;
}

void PngRows::Add(FileBytes piece, std::size_t offset) {
  if (fault_ || ended_ || stray_) return;
  // zlib does not write to what it reads.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
  stream_.avail_in = static_cast<uInt>(piece.size());
  if (complete()) {
    end_ = piece;
    end_used_ = 0;
  }
  while (!fault_ && !ended_) {
    // Never beyond the last row, so that zlib's checksum is the rows' when that is reached.
    const bool rows = taken_ < total_;
    const auto room = static_cast<uInt>(rows ? std::min<std::int64_t>(kBufferBytes, total_ - taken_)
                                             : kBufferBytes);
    stream_.next_out = buffer_.get();
    stream_.avail_out = room;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    const std::size_t used = piece.size() - stream_.avail_in;
    const std::size_t where = offset + used;
    Take(buffer_.get(), room - stream_.avail_out, where);
    if (rows && complete()) {
      checksum_ = static_cast<std::uint32_t>(stream_.adler);
      end_used_ = std::min(used, kTakenAhead);
      end_ = piece.subspan(used - end_used_);
    }
    if (status == Z_STREAM_END) {
      ended_ = true;
    } else if (status == Z_BUF_ERROR) {
      return;  // all of it is used
    } else if (status != Z_OK && !fault_) {
      // What follows the last row is nobody's pixels, but for the checksum of those before; and but
      // for what zlib meets at once, where Pillow gives up, too.
      if (complete() && !rows && !WrongChecksum()) {
        stray_ = true;
        return;
      }
      fault_ = Fault{std::string("the PNG's data is broken: ") +
                         (stream_.msg != nullptr ? stream_.msg : "it does not inflate"),
                     where, WrongChecksum()};
    }
  }
}

bool PngRows::ChecksumFollows(FileBytes rest) const {
  // Between the last row and the checksum is the code that ends the data, of 15 bits at most; what
  // a wrong bit of it was taken for may be longer.
  constexpr std::size_t kWithin = 16;
  constexpr std::size_t kEndBytes = 3;
  constexpr std::size_t kChecksumBytes = 4;
  std::array<std::byte, kTakenAhead + kWithin + kChecksumBytes> bytes;
  const FileBytes first = end_.first(std::min(end_.size(), bytes.size()));
  const FileBytes second = rest.first(std::min(rest.size(), bytes.size() - first.size()));
  std::copy(second.begin(), second.end(), std::copy(first.begin(), first.end(), bytes.begin()));
  const std::size_t count = first.size() + second.size();
  const std::size_t left = count - std::min(count, end_used_);
  if (left <= kEndBytes) return true;
  for (std::size_t at = 0; at < count; ++at) {
    std::size_t same = 0;
    while (same < kChecksumBytes && at + same < count &&
           bytes[at + same] == static_cast<std::byte>(checksum_ >> (24 - 8 * same))) {
      ++same;
    }
    if (same == kChecksumBytes) return true;
    if (same > 0 && at + same == count && left <= kEndBytes + kChecksumBytes) return true;
  }
  return false;
}

void PngRows::Take(const std::uint8_t* bytes, std::size_t count, std::size_t offset) {
  while (count > 0 && pass_ < passes_) {
    const Pass& pass = pass_shapes_[static_cast<std::size_t>(pass_)];
    if (into_row_ == 0 && *bytes > kLastFilter) {
      fault_ = Fault{
          "a row of the PNG has filter " + std::to_string(*bytes) + ", of which there is none",
          offset, false};
      return;
    }
    const auto step = static_cast<std::size_t>(
        std::min<std::int64_t>(pass.row_bytes - into_row_, static_cast<std::int64_t>(count)));
    bytes += step;
    count -= step;
    taken_ += static_cast<std::int64_t>(step);
    into_row_ += static_cast<std::int64_t>(step);
    if (into_row_ < pass.row_bytes) continue;
    into_row_ = 0;
    if (++row_ < pass.rows) continue;
    row_ = 0;
    ++pass_;
    SkipEmptyPasses();
  }
}

}  // namespace millrace
