#include "stages/inspect/content_name.h"

#include <magic.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/image/sniff.h"

namespace millrace {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Beginnings that libmagic calls text, data or XML. First of all: it is sure of none of them.
constexpr std::array<Pair, 4> kBeginnings = {{
    {"version https://git-lfs.github.com/spec/",
     "a Git LFS pointer: `git lfs pull` fetches the picture"},
    {"/annex/objects/", "a git-annex pointer: `git annex get` fetches the picture"},
    {"SQLite format 3", "an SQLite database"},
    {"[InternetShortcut]", "a link to a web page"},
}};

// What a store or a proxy answers in a picture's place. Looked for in XML and JSON.
constexpr std::array<std::string_view, 4> kErrorMarks = {"<Error>", "<Code>", "\"error\"",
                                                         "\"message\""};

// MIME types, or how they begin, in the words of those who have such files.
constexpr std::array<Pair, 50> kTypes = {{
    {"text/html", "a web page"},
    {"application/xhtml", "a web page"},
    {"image/svg", "an SVG drawing"},
    {"text/xml", "an XML document"},
    {"application/xml", "an XML document"},
    {"application/json", "JSON text"},
    {"text/x-", "a program's text"},
    {"application/javascript", "a program's text"},
    {"application/x-mswinurl", "a link to a web page"},
    {"application/x-ms-shortcut", "a Windows shortcut"},
    {"text/csv", "a table of text (CSV)"},
    {"text/", "a text"},
    {"video/mp4", "an MP4 video"},
    {"video/quicktime", "a QuickTime video"},
    {"video/3gpp", "a 3GPP video"},
    {"video/x-msvideo", "an AVI video"},
    {"video/webm", "a WebM video"},
    {"video/x-matroska", "a Matroska video"},
    {"video/x-flv", "a Flash video"},
    {"video/x-ms", "a Windows Media video"},
    {"video/mpeg", "an MPEG video"},
    {"video/MP2T", "an MPEG video"},
    {"video/", "a video"},
    {"audio/", "a sound file"},
    {"application/ogg", "an Ogg sound or video file"},
    {"application/pdf", "a PDF document"},
    {"application/postscript", "a PostScript document"},
    {"application/zip", "a ZIP archive"},
    {"application/vnd.openxmlformats", "an Office document"},
    {"application/vnd.oasis", "an OpenDocument file"},
    {"application/epub", "an e-book (EPUB)"},
    {"application/gzip", "a gzip archive"},
    {"application/x-gzip", "a gzip archive"},
    {"application/x-bzip2", "a bzip2 archive"},
    {"application/x-xz", "an xz archive"},
    {"application/zstd", "a Zstandard archive"},
    {"application/x-tar", "a tar archive"},
    {"application/x-rar", "a RAR archive"},
    {"application/x-7z", "a 7z archive"},
    {"application/java-archive", "a Java archive"},
    {"application/msword", "an Office document"},
    {"application/vnd.ms", "an Office document"},
    {"application/x-ole-storage", "an Office document or a thumbnail cache"},
    {"application/CDFV2", "an Office document or a thumbnail cache"},
    {"application/x-hdf", "an HDF file"},
    {"application/x-sharedlib", "a program"},
    {"application/x-executable", "a program"},
    {"application/x-pie-executable", "a program"},
    {"application/x-dosexec", "a program"},
    {"application/pgp", "a PGP message"},
}};

bool IsTextOrXml(std::string_view type) {
  return type.starts_with("text/xml") || type.starts_with("application/xml") ||
         type.starts_with("application/json");
}

}  // namespace

void ContentNames::Close::operator()(magic_set* magic) const { magic_close(magic); }

ContentNames::ContentNames() {
  // Not looked into: what is packed, and Office's containers, whose names are enough.
  magic_.reset(magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_CDF |
                          MAGIC_NO_CHECK_ELF));
  if (magic_ != nullptr && magic_load(magic_.get(), nullptr) != 0) magic_.reset();
}

std::string ContentNames::Describe(std::span<const std::byte> head, std::int64_t bytes) const {
  if (head.empty()) return "";
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.find_first_not_of('\0') == std::string_view::npos) {
    return bytes <= static_cast<std::int64_t>(head.size())
               ? "nothing but zero bytes"
               : "zero bytes, as many as were looked at";
  }
  if (IsAppleDouble(head)) return "what macOS keeps of another file (AppleDouble)";
  for (const auto& [begins, what] : kBeginnings) {
    if (text.starts_with(begins)) return std::string(what);
  }
  if (magic_ == nullptr) return "";
  const char* found = magic_buffer(magic_.get(), head.data(), head.size());
  const std::string_view type = found == nullptr ? "" : found;
  for (const auto& [begins, what] : kTypes) {
    if (!type.starts_with(begins)) continue;
    const bool error =
        IsTextOrXml(type) && std::any_of(kErrorMarks.begin(), kErrorMarks.end(), [&](auto mark) {
          return text.find(mark) != std::string_view::npos;
        });
    return std::string(what) + (error ? ", perhaps a server's error message" : "");
  }
  // Others by their type, but for those that say nothing.
  if (type.empty() || type == "application/octet-stream" || type.find('/') == type.npos) return "";
  return "of type " + std::string(type);
}

}  // namespace millrace
