#include "common/image/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "common/image/exif.h"
#include "common/image/inspect/inspectors.h"
#include "common/image/unread_family.h"

namespace millrace {
namespace {

std::optional<Finding> InspectFormat(ImageFormat format, FileBytes file,
                                     const InspectOptions& options) {
  switch (format) {
    case ImageFormat::kJpeg:
      return InspectJpeg(file, options);
    case ImageFormat::kPng:
      return InspectPng(file, options);
    case ImageFormat::kWebp:
      return InspectWebp(file, options);
    case ImageFormat::kGif:
      return InspectGif(file, options);
    case ImageFormat::kTiff:
      return InspectTiff(file, options);
    case ImageFormat::kBmp:
      return InspectBmp(file, options);
    case ImageFormat::kJpeg2000:
      return InspectJpeg2000(file, options);
    case ImageFormat::kPnm:
      return InspectPnm(file, options);
    case ImageFormat::kHeic:
    case ImageFormat::kAvif:
      return InspectHeif(file, options, format);
    default:
      return Finding{ErrorCode::kUnsupportedFormat,
                     fmt::format("this build reads no {} files", ImageFormatName(format)),
                     {},
                     {}};
  }
}

// HEIF's extensions are given to AVIF too.
bool NameFits(std::string_view name, ImageFormat format) {
  const auto named = FormatOfName(name);
  return !named || *named == format ||
         (*named == ImageFormat::kHeic && format == ImageFormat::kAvif);
}

Finding Plain(ErrorCode code, std::string what) { return {code, std::move(what), {}, {}}; }

// A file of a kind that is read in part, or not at all.
std::optional<Finding> InspectUnread(const UnreadFamily& family, ImageFormat format, FileBytes file,
                                     const InspectOptions& options) {
  switch (family.reads) {
    case UnreadFamily::Reads::kNothing:
      return Plain(ErrorCode::kUnsupportedFormat,
                   fmt::format("it is {}, which is not read here", family.what));
    case UnreadFamily::Reads::kPreview: {
      // Damage to a preview is no damage to the picture.
      const auto finding = InspectFormat(format, file, options);
      const bool damaged = finding && finding->code != ErrorCode::kUnsupportedFormat;
      return Plain(ErrorCode::kPreviewOnly,
                   damaged
                       ? fmt::format("it is {}: only a preview is read, and that is damaged: {}",
                                     family.what, finding->what)
                       : fmt::format("it is {}: only a preview is read", family.what));
    }
    case UnreadFamily::Reads::kPicture:
      break;
  }
  auto finding = InspectFormat(format, file, options);
  if (finding || options.level != InspectLevel::kStrict) return finding;
  return Plain(ErrorCode::kUnsupportedFormat,
               fmt::format("its picture is whole, and it is {}, which are not read", family.what));
}

bool LosesPixels(ErrorCode code) {
  return code == ErrorCode::kTruncated || code == ErrorCode::kCorrupt || code == ErrorCode::kBadCrc;
}

// Whether its extension is one that no image has.
bool NamedLikeNoImage(std::string_view name) {
  name = name.substr(name.rfind('/') + 1);  // all of it where there is none
  return name.find('.') != std::string_view::npos && !FormatOfName(name);
}

// A finding once more, by what else is known of the file.
Finding Weighed(Finding finding, ImageFormat format, FileBytes file, std::string_view name) {
  // Three numbers begin a PNM, and many a text.
  if (format == ImageFormat::kPnm && LosesPixels(finding.code) && NamedLikeNoImage(name)) {
    return Plain(
        ErrorCode::kSuspicious,
        fmt::format("it begins like a PNM, which its name does not say: {}", finding.what));
  }
  if (finding.code == ErrorCode::kTrailingData && finding.offset &&
      *finding.offset < static_cast<std::int64_t>(file.size())) {
    const auto rest = file.subspan(static_cast<std::size_t>(*finding.offset));
    if (const auto appended = FindAppended(rest)) {
      finding.code = ErrorCode::kUnsupportedFormat;
      finding.what =
          fmt::format("its picture is whole; {} follows it, which is not read", *appended);
    }
  }
  return finding;
}

std::optional<Finding> InspectKnown(ImageFormat format, FileBytes file, std::string_view name,
                                    const InspectOptions& options) {
  if (static_cast<std::uint64_t>(file.size()) > static_cast<std::uint64_t>(options.max_bytes)) {
    return Plain(ErrorCode::kTooLarge,
                 fmt::format("{} bytes are over the cap of {} (option max_bytes)", file.size(),
                             options.max_bytes));
  }
  try {
    const auto family = FindUnreadFamily(file);
    auto finding = family ? InspectUnread(*family, format, file, options)
                          : InspectFormat(format, file, options);
    if (finding) return Weighed(*std::move(finding), format, file, name);
  } catch (const std::bad_alloc&) {
    return Plain(ErrorCode::kTooLarge, "not enough memory to look at it");
  } catch (const std::exception& error) {
    // Our fault or a library's: nothing is proven of the file.
    return Plain(ErrorCode::kInternal, error.what());
  }
  if (options.level == InspectLevel::kStrict && !NameFits(name, format)) {
    return Plain(ErrorCode::kExtensionMismatch,
                 fmt::format("it is named like another format and is {}", ImageFormatName(format)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Finding> CheckSides(std::int64_t width, std::int64_t height,
                                  const InspectOptions& options) {
  const auto size =
      CheckSize(width, height, {.max_pixels = options.max_pixels, .max_side = options.max_side});
  if (size) return std::nullopt;
  // Of no pixels none is lost: a JPEG may tell its height behind its data (DNL), for one.
  const bool none = size.error().code == ErrorCode::kCorrupt;
  return Plain(none ? ErrorCode::kUnsupportedFormat : size.error().code, size.error().message);
}

std::optional<Finding> CheckTrailing(FileBytes file, std::size_t end,
                                     const InspectOptions& options) {
  if (options.level != InspectLevel::kStrict || end >= file.size()) return std::nullopt;
  return Finding{ErrorCode::kTrailingData,
                 fmt::format("{} bytes follow the end of the picture", file.size() - end),
                 static_cast<std::int64_t>(end),
                 {}};
}

std::optional<Finding> CheckExif(FileBytes block, std::size_t offset) {
  if (ExifParses(block)) return std::nullopt;
  return Finding{ErrorCode::kBadMetadata,
                 "its EXIF data does not parse",
                 static_cast<std::int64_t>(offset),
                 {}};
}

Inspection Inspect(std::span<const std::byte> file, std::string_view name,
                   const InspectOptions& options) {
  if (file.empty()) return {{}, Plain(ErrorCode::kEmpty, "the file is empty (0 bytes)")};
  const auto format = SniffFormat(file.first(std::min(file.size(), kSniffBytes)));
  if (!format) {
    return {{},
            Plain(ErrorCode::kNotAnImage, "its first bytes are those of no known image format")};
  }
  return {format, InspectKnown(*format, file, name, options)};
}

}  // namespace millrace
