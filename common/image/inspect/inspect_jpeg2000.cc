// JPEG 2000 through OpenJPEG, tile by tile, as Pillow's Jpeg2KDecode.c has it.
#include <fmt/format.h>
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/image/byte_order.h"
#include "common/image/inspect/inspectors.h"
#include "common/image/jpeg2000_header.h"

namespace millrace {
namespace {

// OpenJPEG keeps four bytes a sample of a tile and some thousand bytes a tile.
constexpr std::int64_t kMostTileSamples = 1 << 26;
constexpr std::int64_t kMostTiles = 1 << 14;

std::string_view View(FileBytes file, std::size_t at, std::size_t size) {
  if (at > file.size() || file.size() - at < size) return {};
  return {reinterpret_cast<const char*>(file.data()) + at, size};
}

// What Pillow concludes from the boxes before the code stream.
struct Boxes {
  std::string_view mode;  // empty: it does not identify the file
  std::int64_t width = 0;
  std::int64_t height = 0;
};

std::string_view ModeOf(int components, int bits) {
  if (components == 1) return bits > 8 ? "I;16" : "L";
  if (components == 2) return "LA";
  if (components == 3) return "RGB";
  return components == 4 ? "RGBA" : "";
}

// One after the other, from `at` to `end`; stops where `visit` says so, or a box is not sound.
template <typename Visit>
void ForEachBox(FileBytes file, std::size_t at, std::size_t end, Visit visit) {
  while (at <= end && end - at >= 8) {
    std::uint64_t size = Big32(file, at);
    std::size_t header = 8;
    if (size == 1 && end - at >= 16) {
      size = std::uint64_t{Big32(file, at + 8)} << 32 | Big32(file, at + 12);
      header = 16;
    }
    if (size < header || size > end - at) return;
    if (!visit(View(file, at + 4, 4), at + header, at + static_cast<std::size_t>(size))) return;
    at += static_cast<std::size_t>(size);
  }
}

// _parse_jp2_header of Jpeg2KImagePlugin.py.
Boxes ReadBoxes(FileBytes file) {
  Boxes boxes;
  int components = 0;
  std::uint32_t space = 0;  // enumerated, 0 where it is none
  const auto in_header = [&](std::string_view type, std::size_t at, std::size_t end) {
    if (type == "ihdr" && end - at >= 11) {
      boxes.height = Big32(file, at);
      boxes.width = Big32(file, at + 4);
      components = std::to_integer<int>(file[at + 8]) << 8 | std::to_integer<int>(file[at + 9]);
      boxes.mode = ModeOf(components, std::to_integer<int>(file[at + 10] & std::byte{0x7F}));
    } else if (type == "colr" && end - at >= 7 && file[at] == std::byte{1}) {
      space = Big32(file, at + 3);
      if (space == 12 && components == 4) boxes.mode = "CMYK";
    } else if (type == "pclr" && space != 0 && space != 15 && space != 17) {
      if (boxes.mode == "L") boxes.mode = "P";
      if (boxes.mode == "LA") boxes.mode = "PA";
    }
    return true;
  };
  ForEachBox(file, 0, file.size(), [&](std::string_view type, std::size_t at, std::size_t end) {
    if (type != "jp2h") return true;
    ForEachBox(file, at, end, in_header);
    return false;
  });
  return boxes;
}

// j2k_unpackers: what Pillow knows to make a picture of.
bool Unpacks(std::string_view mode, const opj_image_t& image) {
  struct Unpacker {
    std::string_view mode;
    OPJ_COLOR_SPACE space;
    OPJ_UINT32 components;
    bool subsampled;
  };
  static constexpr Unpacker kUnpackers[] = {
      {"L", OPJ_CLRSPC_GRAY, 1, false},    {"P", OPJ_CLRSPC_SRGB, 1, false},
      {"P", OPJ_CLRSPC_CMYK, 1, false},    {"PA", OPJ_CLRSPC_SRGB, 2, false},
      {"I;16", OPJ_CLRSPC_GRAY, 1, false}, {"LA", OPJ_CLRSPC_GRAY, 2, false},
      {"RGB", OPJ_CLRSPC_GRAY, 1, false},  {"RGB", OPJ_CLRSPC_GRAY, 2, false},
      {"RGB", OPJ_CLRSPC_SRGB, 3, true},   {"RGB", OPJ_CLRSPC_SYCC, 3, true},
      {"RGB", OPJ_CLRSPC_SRGB, 4, true},   {"RGB", OPJ_CLRSPC_SYCC, 4, true},
      {"RGBA", OPJ_CLRSPC_GRAY, 1, false}, {"RGBA", OPJ_CLRSPC_GRAY, 2, false},
      {"RGBA", OPJ_CLRSPC_SRGB, 3, true},  {"RGBA", OPJ_CLRSPC_SYCC, 3, true},
      {"RGBA", OPJ_CLRSPC_GRAY, 4, true},  {"RGBA", OPJ_CLRSPC_SRGB, 4, true},
      {"RGBA", OPJ_CLRSPC_SYCC, 4, true},  {"CMYK", OPJ_CLRSPC_CMYK, 4, true},
  };
  int subsampled = -1;
  for (OPJ_UINT32 i = image.numcomps; i-- > 0;) {
    if (image.comps[i].dx != 1 || image.comps[i].dy != 1) subsampled = static_cast<int>(i);
  }
  OPJ_COLOR_SPACE space = image.color_space;
  if (space == OPJ_CLRSPC_UNKNOWN || space == OPJ_CLRSPC_UNSPECIFIED) {
    space = image.numcomps <= 2                  ? OPJ_CLRSPC_GRAY
            : subsampled == 1 || subsampled == 2 ? OPJ_CLRSPC_SYCC
                                                 : OPJ_CLRSPC_SRGB;
  }
  return std::any_of(std::begin(kUnpackers), std::end(kUnpackers), [&](const Unpacker& unpacker) {
    return unpacker.mode == mode && unpacker.space == space &&
           unpacker.components == image.numcomps && (unpacker.subsampled || subsampled == -1);
  });
}

// OpenJPEG on a file in memory.
class Decoder {
 public:
  Decoder(FileBytes file, bool boxed)
      : file_(file),
        stream_(opj_stream_create(std::size_t{1} << 16, OPJ_TRUE)),
        codec_(opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K)) {
    if (stream_ == nullptr || codec_ == nullptr) throw std::bad_alloc();
    opj_stream_set_user_data(stream_.get(), this, nullptr);
    opj_stream_set_user_data_length(stream_.get(), file.size());
    opj_stream_set_read_function(stream_.get(), [](void* to, OPJ_SIZE_T size, void* self) {
      return static_cast<Decoder*>(self)->Read(to, size);
    });
    opj_stream_set_skip_function(stream_.get(), [](OPJ_OFF_T size, void* self) {
      return static_cast<Decoder*>(self)->Skip(size);
    });
    opj_set_error_handler(
        codec_.get(),
        [](const char* text, void* self) { static_cast<Decoder*>(self)->OnError(text); }, this);
    opj_set_warning_handler(
        codec_.get(), [](const char*, void*) {}, nullptr);
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    opj_setup_decoder(codec_.get(), &parameters);
    opj_decoder_set_strict_mode(codec_.get(), OPJ_TRUE);
  }

  bool ReadHeader() {
    opj_image_t* image = nullptr;
    const bool done = opj_read_header(stream_.get(), codec_.get(), &image) != OPJ_FALSE;
    image_.reset(image);
    return done && image != nullptr;
  }

  // Counts the tiles that decode; false where one does not.
  bool ReadTiles(std::int64_t* tiles) {
    std::vector<OPJ_BYTE> data;
    for (;; ++*tiles) {
      OPJ_UINT32 index = 0;
      OPJ_UINT32 bytes = 0;
      OPJ_INT32 x0 = 0;
      OPJ_INT32 y0 = 0;
      OPJ_INT32 x1 = 0;
      OPJ_INT32 y1 = 0;
      OPJ_UINT32 components = 0;
      OPJ_BOOL go_on = OPJ_FALSE;
      if (opj_read_tile_header(codec_.get(), stream_.get(), &index, &bytes, &x0, &y0, &x1, &y1,
                               &components, &go_on) == OPJ_FALSE) {
        return false;
      }
      if (go_on == OPJ_FALSE) break;
      if (x0 >= x1 || y0 >= y1 || components != image_->numcomps) return false;
      data.resize(bytes);
      if (opj_decode_tile_data(codec_.get(), index, data.data(), bytes, stream_.get()) ==
          OPJ_FALSE) {
        return false;
      }
    }
    return opj_end_decompress(codec_.get(), stream_.get()) != OPJ_FALSE;
  }

  [[nodiscard]] const opj_image_t& image() const { return *image_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  // The file ended while there was more to be read.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  template <auto kFree>
  struct Free {
    template <typename T>
    void operator()(T* pointer) const {
      kFree(pointer);
    }
  };

  OPJ_SIZE_T Read(void* to, OPJ_SIZE_T size) {
    const std::size_t count = std::min<std::size_t>(size, file_.size() - at_);
    if (count == 0) {
      ended_ = true;
      return static_cast<OPJ_SIZE_T>(-1);
    }
    std::memcpy(to, file_.data() + at_, count);
    at_ += count;
    return count;
  }

  OPJ_OFF_T Skip(OPJ_OFF_T size) {
    const auto left = static_cast<OPJ_OFF_T>(file_.size() - at_);
    if (size < 0 || size > left) {
      ended_ = true;
      return -1;
    }
    at_ += static_cast<std::size_t>(size);
    return size;
  }

  void OnError(std::string_view text) {
    if (!message_.empty()) return;
    message_ = text.substr(0, text.find_first_of("\r\n"));
  }

  FileBytes file_;
  std::size_t at_ = 0;
  std::unique_ptr<opj_stream_t, Free<opj_stream_destroy>> stream_;
  std::unique_ptr<opj_codec_t, Free<opj_destroy_codec>> codec_;
  std::unique_ptr<opj_image_t, Free<opj_image_destroy>> image_;
  std::string message_;
  bool ended_ = false;
};

std::optional<Finding> InspectTiles(FileBytes file, const Jpeg2000Header& header,
                                    std::string_view mode) {
  Decoder decoder(file, header.boxed);
  const auto end = static_cast<std::int64_t>(file.size());
  const auto bad = [&](const char* what) {
    return Finding{
        decoder.ended() ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
        fmt::format("{}: {}", what,
                    decoder.message().empty() ? "OpenJPEG does not say why" : decoder.message()),
        decoder.ended() ? std::optional(end) : std::nullopt, std::nullopt};
  };
  if (!decoder.ReadHeader()) {
    auto finding = bad("OpenJPEG does not take the JPEG 2000 header");
    // There are parts of the standard that OpenJPEG does not know.
    if (!decoder.ended()) finding.code = ErrorCode::kUnsupportedFormat;
    return finding;
  }
  if (!Unpacks(mode, decoder.image())) {
    return Finding{ErrorCode::kUnsupportedFormat,
                   "Pillow makes no picture of such components: convert it to PNG", std::nullopt,
                   std::nullopt};
  }
  std::int64_t tiles = 0;
  auto finding =
      decoder.ReadTiles(&tiles) ? std::nullopt : std::optional(bad("a tile does not decode"));
  if (!finding && tiles >= header.tiles) return std::nullopt;
  if (!finding) {
    finding =
        Finding{ErrorCode::kTruncated, fmt::format("{} of {} tiles are there", tiles, header.tiles),
                end, std::nullopt};
  }
  finding->lost =
      1 - static_cast<double>(std::min(tiles, header.tiles)) / static_cast<double>(header.tiles);
  return finding;
}

// Whether the code stream ends with its mark, and nothing follows.
std::optional<Finding> InspectEnd(FileBytes file, const Jpeg2000Header& header) {
  using namespace std::string_view_literals;
  const std::string_view stream = View(file, header.stream, header.stream_end - header.stream);
  // No two bytes of a code stream's packets look like this mark.
  const std::size_t end = stream.rfind("\xFF\xD9"sv);
  if (end == std::string_view::npos) {
    return Finding{ErrorCode::kBadMetadata, "the JPEG 2000 code stream has no end mark",
                   static_cast<std::int64_t>(header.stream_end), std::nullopt};
  }
  std::size_t at = header.stream + end + 2;
  if (at == header.stream_end) {
    ForEachBox(file, at, file.size(), [&](std::string_view, std::size_t, std::size_t box_end) {
      at = box_end;
      return header.boxed;
    });
  }
  if (at == file.size()) return std::nullopt;
  return Finding{ErrorCode::kTrailingData,
                 fmt::format("{} bytes behind the JPEG 2000 code stream", file.size() - at),
                 static_cast<std::int64_t>(at), std::nullopt};
}

}  // namespace

namespace {

// Whether the file, a box after the other, ends before its code stream or within it.
bool EndsWithinABox(FileBytes file) {
  if (View(file, 0, 2) == "\xFF\x4F") return true;  // a code stream without boxes
  std::size_t end = 0;
  bool stream = false;
  ForEachBox(file, 0, file.size(), [&](std::string_view type, std::size_t, std::size_t box_end) {
    end = box_end;
    stream = stream || type == "jp2c";
    return true;
  });
  return !stream && end < file.size();
}

}  // namespace

std::optional<Finding> InspectJpeg2000(FileBytes file, const InspectOptions& options) {
  const auto cut = [&] {
    return Finding{ErrorCode::kTruncated, "the JPEG 2000 file has no whole header",
                   static_cast<std::int64_t>(file.size()), std::nullopt};
  };
  const auto header = ReadJpeg2000Header(file);
  // Pillow opens a JP2 file by its boxes alone.
  Boxes boxes;
  if (View(file, 0, 2) != "\xFF\x4F") {
    boxes = ReadBoxes(file);
  } else if (header) {
    boxes = {ModeOf(header->components, header->bits), header->width, header->height};
  }
  if (boxes.mode.empty()) {
    if (!header && !EndsWithinABox(file)) {
      return Finding{ErrorCode::kUnsupportedFormat,
                     "a JPEG 2000 whose boxes hold no picture that is read here", std::nullopt,
                     std::nullopt};
    }
    if (!header) return cut();
    return Finding{
        ErrorCode::kUnsupportedFormat,
        fmt::format("a JPEG 2000 of {} components: convert it to PNG", header->components),
        std::nullopt, std::nullopt};
  }
  if (auto finding = CheckSides(boxes.width, boxes.height, options)) return finding;
  if (options.level == InspectLevel::kOpen) return std::nullopt;

  if (!header) return cut();
  if (auto finding = CheckSides(header->width, header->height, options)) return finding;
  if (boxes.width < header->width || boxes.height < header->height) {
    return Finding{ErrorCode::kUnsupportedFormat,
                   "the JP2 header and its code stream differ in size",
                   static_cast<std::int64_t>(header->stream), std::nullopt};
  }
  if (header->tiles == 0) {
    return Finding{ErrorCode::kCorrupt, "the JPEG 2000 header tells of tiles without a size",
                   static_cast<std::int64_t>(header->stream), std::nullopt};
  }
  const std::int64_t tile_samples =
      (header->width * header->height + header->tiles - 1) / header->tiles * header->components;
  if (header->tiles > kMostTiles || tile_samples > kMostTileSamples || header->components > 4) {
    return Finding{ErrorCode::kTooLarge,
                   fmt::format("{} tiles of {} samples each", header->tiles, tile_samples),
                   std::nullopt, std::nullopt};
  }
  auto finding = InspectTiles(file, *header, boxes.mode);
  if (finding || options.level != InspectLevel::kStrict) return finding;
  return InspectEnd(file, *header);
}

}  // namespace millrace
