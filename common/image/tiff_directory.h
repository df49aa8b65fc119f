// The directories of a TIFF file, read the way Pillow reads them.
//
// libtiff decodes the pixels of compressed files; the tags are read here, because Pillow's mode,
// and whether it takes the file at all, follows from its own reading of them. Source: load() of
// ImageFileDirectory_v2 in Pillow's TiffImagePlugin.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/image/decoders.h"

namespace millrace {

struct TiffHeader {
  bool big_endian = false;
  bool big_tiff = false;
  std::uint64_t first = 0;  // where the first directory is
};

// Nothing where the file ends within its header or has another signature.
std::optional<TiffHeader> ReadTiffHeader(FileBytes file);

enum class TiffTag : std::uint16_t {
  kWidth = 256,
  kHeight = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kFillOrder = 266,
  kMake = 271,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamplesPerPixel = 277,
  kRowsPerStrip = 278,
  kStripByteCounts = 279,
  kPlanarConfiguration = 284,
  kColorMap = 320,
  kTileWidth = 322,
  kTileHeight = 323,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kExtraSamples = 338,
  kSubDirectories = 330,
  kSampleFormat = 339,
  kXmp = 700,
  kExifDirectory = 34665,
  kSubsampling = 530,  // of YCbCr
  kGpsDirectory = 34853,
  kImageSourceData = 37724,  // Photoshop's layers
  kDngVersion = 50706,
};

// One directory: its fields, of which several of one tag count as the first. Refers to the file's
// bytes and must not outlive them.
class TiffDirectory {
 public:
  // Nothing where not even the number of its fields lies within the file.
  static std::optional<TiffDirectory> Read(FileBytes file, const TiffHeader& header,
                                           std::uint64_t offset);

  // Whether there is such a field, of whole numbers; or one of something else.
  [[nodiscard]] bool Has(TiffTag tag) const;
  [[nodiscard]] bool IsOdd(TiffTag tag) const;
  [[nodiscard]] bool HasAny(TiffTag tag) const { return Find(tag) != nullptr; }
  // Whether there is one that claims more bytes than the file has: for Pillow it is not there.
  [[nodiscard]] bool WasSkipped(TiffTag tag) const;
  // The field's first number; nothing where it is absent or of another kind.
  [[nodiscard]] std::optional<std::uint64_t> Number(TiffTag tag) const;
  // All of the field's numbers; empty where Number is nothing.
  [[nodiscard]] std::vector<std::uint64_t> Numbers(TiffTag tag) const;

  // The bytes of a field of bytes; empty where it is absent or of another kind.
  [[nodiscard]] FileBytes Bytes(TiffTag tag) const;
  // The field's text up to its first zero, not more than 64 bytes; "" where it is absent or none.
  [[nodiscard]] std::string Text(TiffTag tag) const;

  // 1..8; 1 where it is absent or out of range.
  [[nodiscard]] int Orientation() const;
  // Whether there is a field for it, whatever is in it.
  [[nodiscard]] bool SaysOrientation() const { return Find(TiffTag::kOrientation) != nullptr; }

  [[nodiscard]] bool big_endian() const { return big_endian_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  // Behind its last byte and those that its fields point at, the picture's not counted.
  [[nodiscard]] std::uint64_t end() const { return end_; }
  // Where the next directory is; 0 for the last one, and where the file ends within this one.
  [[nodiscard]] std::uint64_t next() const { return next_; }
  // False where the file ends within its fields or within what one of them points at: those from
  // there on are missing.
  [[nodiscard]] bool complete() const { return complete_; }
  // Where it is not complete: whether the file ends within its fields, or before what one of them
  // points at that says where or what the pixels are.
  [[nodiscard]] bool EndsEarly() const { return ends_early_; }
  [[nodiscard]] std::size_t fields() const { return fields_.size(); }

 private:
  struct Field {
    std::uint16_t tag = 0;
    std::uint16_t type = 0;
    std::size_t count = 0;
    std::size_t data = 0;  // where its numbers are in the file
  };

  TiffDirectory(FileBytes file, bool big_endian) : file_(file), big_endian_(big_endian) {}
  [[nodiscard]] const Field* Find(TiffTag tag) const;
  [[nodiscard]] std::uint64_t Value(const Field& field, std::size_t index) const;

  FileBytes file_;
  bool big_endian_;
  std::vector<Field> fields_;  // sorted by tag
  std::vector<std::uint16_t> skipped_;
  std::uint64_t offset_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t next_ = 0;
  bool complete_ = false;
  bool ends_early_ = true;
};

}  // namespace millrace
