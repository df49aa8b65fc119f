// What a file is, by its first bytes; and what its name claims it is.
//
// Content decides, never the name: a JPEG called "notes.txt" is an image, and a text called "a.jpg"
// is told of (its owner believes that it is an image) rather than passed over.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace millrace {

enum class ImageFormat {
  kJpeg,
  kPng,
  kWebp,
  kBmp,
  kTiff,  // BigTIFF too; many camera raw formats carry this signature (unread_family.h)
  kGif,
  kHeic,      // HEVC inside HEIF
  kAvif,      // AV1 inside HEIF
  kJpeg2000,  // a JP2 file or a bare code stream
  kPnm,       // PBM, PGM, PPM
  // Known by name only: reported as unsupported-format, never as not-an-image.
  kJpegXl,
  kIcon,
  kPsd,
  kExr,
  kHdr,
  kDds,
  kQoi,
  kRaw,  // a camera's, with a signature of its own: CR3, RAF, ORF, RW2, X3F, MRW, CRW
};

// "jpeg", "png", "webp", "bmp", "tiff", "gif", "heic", "avif", ...: stable, used in metadata.
std::string_view ImageFormatName(ImageFormat format);

// As many first bytes as SniffFormat can make use of.
inline constexpr std::size_t kSniffBytes = 64;

// The format whose signature `head` carries; nothing where it is not an image, or not one known
// here. `head` is the first kSniffBytes of a file, or all of it where it is shorter. Total: any
// bytes are allowed, no allocation. A signature is more than two letters: a text that happens to
// begin with "BM" or "P5" is no image.
std::optional<ImageFormat> SniffFormat(std::span<const std::byte> head);

// Whether `head`, which SniffFormat does not know, begins like a file of a format that other
// programs read as a picture (TGA, PCX, SGI, ICNS, EPS, PDF, a BMP without its file header): by
// weaker signs than a signature, so that it is no reason to take a file for an image, but one not
// to call it none.
bool LooksLikeOtherPicture(std::span<const std::byte> head);

// Whether `head` is that of an AppleDouble file (RFC 1740, appendix A): what macOS keeps of another
// file, a photo, on volumes of other systems. Such files belong to their neighbour.
bool IsAppleDouble(std::span<const std::byte> head);

// The format that the name's extension promises, whatever its letters' case: kHeic for all of HEIF.
// Nothing for names that say none.
std::optional<ImageFormat> FormatOfName(std::string_view path);

// Whether the name's extension is one that people give to images and to hardly anything else
// (".jpg", ".JPEG", ".heic", ...), whatever its letters' case. Not among them: ".hdr" (headers of
// ENVI and ESRI), ".dds", ".psd", ".ico", ".pgm". `path` is bytes and need not be UTF-8; a name
// that begins with its only dot (".png") has no extension.
bool NamedLikeAnImage(std::string_view path);

// In an item's meta: true where its name says nothing of an image, so that a file without a
// signature is none of ours: skipped, where one that is named like an image has failed.
inline constexpr std::string_view kUnnamedMeta = "unnamed";

}  // namespace millrace
