// libtiff on a file in memory. One of the few places that know libtiff.
#pragma once

#include <cstdint>
#include <string>

#include "common/image/tiff_frame.h"

// libtiff's own handle, as its header names it.
struct tiff;

namespace millrace {

// Errors and warnings go to this object and nowhere else: libtiff's handlers for the whole process
// are not touched.
class TiffFile {
 public:
  // `memory`: bytes that libtiff may take at once.
  TiffFile(FileBytes file, std::int64_t memory);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  // Whether libtiff was built with the compression.
  static bool Reads(std::uint64_t compression);

  // Makes ready to read the directory at `offset`, which is known to say what `frame` does; false
  // where libtiff reads it otherwise. To be called once, before what is below.
  bool Open(std::uint64_t offset, const TiffFrame& frame);

  // Of tiles, else of strips, which are as wide as the picture.
  [[nodiscard]] bool tiled() const;
  [[nodiscard]] std::uint32_t BlockWidth() const;
  [[nodiscard]] std::uint32_t BlockHeight() const;
  [[nodiscard]] std::size_t RowBytes() const;
  [[nodiscard]] std::size_t TileBytes() const;
  [[nodiscard]] std::size_t TileRowBytes() const;

  // A whole strip, counted through all planes; the last one of a plane may be shorter.
  bool ReadStrip(std::uint8_t* to, std::size_t bytes, std::uint32_t index);
  // Rows in order; after a failure the next strip's first row may be read.
  bool ReadRow(std::uint8_t* to, std::uint32_t y, int plane);
  bool ReadTile(std::uint8_t* to, std::uint32_t x, std::uint32_t y, int plane);
  // Rows y to y + height - 1 as R, G, B, A.
  bool ReadRgba(std::uint32_t* to, std::uint32_t y, std::uint32_t height);

  // libtiff's first words about data that is bad; its last ones where there were none such.
  [[nodiscard]] const std::string& message() const { return message_; }
  // Whether there were words about lost pixels without a call that failed.
  [[nodiscard]] bool complained() const { return complained_; }

 private:
  struct Handlers;

  FileBytes file_;
  std::uint64_t at_ = 0;  // libtiff's place in the file
  std::int64_t memory_;
  tiff* tiff_ = nullptr;
  std::string message_ = "libtiff does not say why";
  bool reading_ = false;  // words from here on are about pixels
  bool complained_ = false;
};

}  // namespace millrace
