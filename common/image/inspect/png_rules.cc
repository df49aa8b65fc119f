#include "common/image/inspect/png_rules.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <utility>

#include "common/image/byte_order.h"

namespace millrace {
namespace {

// MAX_TEXT_CHUNK and MAX_TEXT_MEMORY of PngImagePlugin.py.
constexpr std::size_t kMaxInflatedText = 1 << 20;
constexpr std::size_t kMaxTexts = 64 * kMaxInflatedText;
constexpr std::size_t kMaxColors = 256;  // of a palette

Finding At(ErrorCode code, const PngChunk& chunk, std::string what) {
  return {code, std::move(what), static_cast<std::int64_t>(chunk.at), {}};
}

// No pixel depends on it.
Finding Beside(const PngChunk& chunk, std::string what) {
  return At(ErrorCode::kBadMetadata, chunk, std::move(what));
}

// It says how pixels are shown, or in which order: they are there all the same.
Finding Odd(const PngChunk& chunk, std::string what) {
  return At(ErrorCode::kSuspicious, chunk, std::move(what));
}

Finding TooMuchText(const PngChunk& chunk, std::string what) {
  return {ErrorCode::kTooLarge, std::move(what), static_cast<std::int64_t>(chunk.at), {}};
}

// The least that Pillow asks of a chunk.
std::size_t LeastBytes(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 7> kLeast = {{{"IHDR", 13},
                                                                               {"gAMA", 4},

                                                                               {"sRGB", 1},
                                                                               {"pHYs", 9},
                                                                               {"acTL", 8},
                                                                               {"fcTL", 26},
                                                                               {"fdAT", 4}}};
  const auto* least = std::find_if(kLeast.begin(), kLeast.end(),
                                   [&](const auto& pair) { return pair.first == type; });
  return least == kLeast.end() ? 0 : least->second;
}

// Up to the first zero; behind it. Nothing where there is none.
std::optional<std::pair<FileBytes, FileBytes>> SplitAtZero(FileBytes bytes) {
  const auto zero = std::find(bytes.begin(), bytes.end(), std::byte{0});
  if (zero == bytes.end()) return std::nullopt;
  const auto at = static_cast<std::size_t>(zero - bytes.begin());
  return std::pair(bytes.first(at), bytes.subspan(at + 1));
}

struct InflatedText {
  std::size_t bytes = 0;
  bool bad = false;        // for zlib: Pillow does without it
  bool too_large = false;  // there is more behind the cap
};

InflatedText InflateText(FileBytes data) {
  InflatedText text;
  z_stream stream = {};
  // zlib does not write to what it reads.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  std::array<Bytef, 16384> piece;  // divides the cap
  int status = Z_OK;
  while (status == Z_OK && text.bytes < kMaxInflatedText) {
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    text.bytes += piece.size() - stream.avail_out;
  }
  inflateEnd(&stream);
  text.bad = status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR;
  text.too_large = status == Z_OK && stream.avail_in > 0;
  return text;
}

}  // namespace

std::optional<Finding> PngRules::Check(const PngChunk& chunk) {
  if (chunk.data.size() < LeastBytes(chunk.type)) {
    const std::string what = fmt::format("the PNG's {} chunk is cut short", chunk.type);
    if (chunk.type == "IHDR") return At(ErrorCode::kCorrupt, chunk, what);
    const bool animates = chunk.type == "acTL" || chunk.type == "fcTL" || chunk.type == "fdAT";
    return animates ? Odd(chunk, what) : Beside(chunk, what);
  }
  if (chunk.type == "IHDR") return CheckHeader(chunk);
  if (chunk.type == "cHRM" && (chunk.data.size() % 4 != 0 || chunk.data.size() < 32)) {
    return Beside(chunk, "the PNG's cHRM chunk has a wrong size");
  }
  if (chunk.type == "tRNS" && chunk.data.size() < TransparencyBytes()) {
    return Odd(chunk, "the PNG's tRNS chunk is cut short");
  }
  if (chunk.type == "PLTE") palette_ = chunk;
  if (chunk.type == "iCCP") return CheckProfile(chunk);
  if (chunk.type == "tEXt" || chunk.type == "zTXt" || chunk.type == "iTXt") return CheckText(chunk);
  return CheckAnimation(chunk);
}

std::optional<Finding> PngRules::CheckPalette() const {
  constexpr int kIndices = 3;
  if (!palette_ || color_type_ != kIndices || palette_->data.size() / 3 <= kMaxColors) {
    return std::nullopt;
  }
  return Odd(*palette_, "the PNG's palette has more than 256 colours");
}

std::optional<Finding> PngRules::CheckHeader(const PngChunk& chunk) {
  if (chunk.data[11] != std::byte{0} || chunk.data[12] > std::byte{1}) {
    return At(ErrorCode::kUnsupportedFormat, chunk,
              "a PNG of an unknown filter or interlace method");
  }
  color_type_ = std::to_integer<int>(chunk.data[9]);
  shape_ = PngShape{.width = Big32(chunk.data, 0),
                    .height = Big32(chunk.data, 4),
                    .bits = PngBits(std::to_integer<int>(chunk.data[8]), color_type_),
                    .interlaced = chunk.data[12] != std::byte{0}};
  return std::nullopt;
}

// One transparent colour, where the pixels are no indices.
std::size_t PngRules::TransparencyBytes() const {
  if (!shape_ || shape_->bits == 0) return 0;
  if (color_type_ == 0) return 2;
  return color_type_ == 2 ? 6 : 0;
}

std::optional<Finding> PngRules::CheckProfile(const PngChunk& chunk) {
  const auto parts = SplitAtZero(chunk.data);
  if (!parts) return Beside(chunk, "the PNG's colour profile has no name");
  if (parts->second.empty() || parts->second[0] != std::byte{0}) {
    return Beside(chunk, "the PNG's colour profile is compressed in an unknown way");
  }
  if (!InflateText(parts->second.subspan(1)).too_large) return std::nullopt;
  return TooMuchText(chunk, "the PNG's colour profile is over 1 MiB, Pillow's cap");
}

std::optional<Finding> PngRules::CheckText(const PngChunk& chunk) {
  const auto parts = SplitAtZero(chunk.data);
  if (!parts) return std::nullopt;
  const bool named = !parts->first.empty();
  FileBytes text = parts->second;
  bool compressed = false;
  if (chunk.type == "zTXt" && !text.empty()) {
    if (text[0] != std::byte{0}) {
      return Beside(chunk, "a text of the PNG is compressed in an unknown way");
    }
    compressed = true;
    text = text.subspan(1);
  } else if (chunk.type == "iTXt") {
    if (text.size() < 2) return std::nullopt;
    compressed = text[0] != std::byte{0};
    if (compressed && text[1] != std::byte{0}) return std::nullopt;  // Pillow passes over it
    const auto language = SplitAtZero(text.subspan(2));
    const auto keyword = language ? SplitAtZero(language->second) : std::nullopt;
    if (!keyword) return std::nullopt;
    text = keyword->second;
  }
  std::size_t bytes = text.size();
  if (compressed) {
    const InflatedText inflated = InflateText(text);
    if (inflated.too_large) {
      return TooMuchText(chunk, "a text of the PNG inflates to over 1 MiB, Pillow's cap");
    }
    bytes = inflated.bad ? 0 : inflated.bytes;
  }
  // International text is counted whatever its name.
  return named || chunk.type == "iTXt" ? AddText(chunk, bytes) : std::nullopt;
}

std::optional<Finding> PngRules::AddText(const PngChunk& chunk, std::size_t bytes) {
  text_bytes_ += bytes;
  if (text_bytes_ <= kMaxTexts) return std::nullopt;
  return TooMuchText(chunk, "the PNG's texts are over 64 MiB together, Pillow's cap");
}

std::optional<Finding> PngRules::CheckAnimation(const PngChunk& chunk) {
  if (chunk.type == "acTL") {
    const std::uint32_t frames = Big32(chunk.data, 0);
    // Of two, or of a number that cannot be, Pillow takes the file for a picture that stands still.
    if (frames_) {
      frames_.reset();
    } else if (frames > 0 && frames <= 0x80000000U) {
      frames_ = frames;
    }
    return std::nullopt;
  }
  if (chunk.type != "fcTL" && chunk.type != "fdAT") return std::nullopt;
  const std::uint32_t number = Big32(chunk.data, 0);
  // A frame's data cannot be the first of all.
  const bool in_order =
      sequence_ ? number == std::uint64_t{*sequence_} + 1 : chunk.type == "fcTL" && number == 0;
  if (!in_order) {
    return Odd(chunk, "the chunks of the PNG's animation are out of order");
  }
  sequence_ = number;
  if (chunk.type == "fdAT" || !shape_) return std::nullopt;
  const std::int64_t right = std::int64_t{Big32(chunk.data, 12)} + Big32(chunk.data, 4);
  const std::int64_t bottom = std::int64_t{Big32(chunk.data, 16)} + Big32(chunk.data, 8);
  if (right <= shape_->width && bottom <= shape_->height) return std::nullopt;
  return Odd(chunk, "a frame of the PNG's animation lies outside the picture");
}

}  // namespace millrace
