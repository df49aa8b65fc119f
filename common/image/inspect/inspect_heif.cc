// HEIC and AVIF through libheif: every still picture is decoded, in the colours it is stored in.
// libheif reads no sequences: they are unsupported-format, their still pictures judged.
#include <fmt/format.h>

#include "common/image/inspect/inspectors.h"

#ifdef MILLRACE_HAVE_HEIF

#include <memory>
#include <new>
#include <vector>

#include "common/image/heif_error.h"
#include "common/image/inspect/heif_boxes.h"
#include "common/image/inspect/hevc_data.h"

namespace millrace {
namespace {

using Context = std::unique_ptr<heif_context, decltype(&heif_context_free)>;
using Handle = std::unique_ptr<heif_image_handle, decltype(&heif_image_handle_release)>;
using Image = std::unique_ptr<heif_image, decltype(&heif_image_release)>;

class HeifInspector {
 public:
  HeifInspector(FileBytes file, const InspectOptions& options, ImageFormat format)
      : file_(file), options_(options), format_(format), boxes_(ReadHeifBoxes(file)) {}

  std::optional<Finding> Run() {
    if (context_ == nullptr) throw std::bad_alloc();
    // First: whatever libheif makes of such data, it is a proof.
    if (options_.level != InspectLevel::kOpen && format_ == ImageFormat::kHeic) {
      if (auto wrong = CheckHevcData(file_)) return wrong;
    }
    // Replicas share the machine's cores already.
    heif_context_set_max_decoding_threads(context_.get(), 0);
    const heif_error error = heif_context_read_from_memory_without_copy(
        context_.get(), file_.data(), file_.size(), nullptr);
    // libheif, like Pillow's libavif, asks here already where the pictures' data lies.
    if (error.code != heif_error_Ok) return Wrong(error);
    Handle primary(nullptr, &heif_image_handle_release);
    if (auto wrong = OpenPrimary(primary)) return wrong;
    if (options_.level != InspectLevel::kOpen) {
      if (auto wrong = DecodeAll()) return wrong;
    }
    if (boxes_.sequence) return Sequence();
    if (options_.level == InspectLevel::kOpen) return std::nullopt;
    if (options_.level != InspectLevel::kStrict) return std::nullopt;
    if (auto wrong = CheckMetadata(primary)) return wrong;
    return CheckTrailing(file_, boxes_.end, options_);
  }

 private:
  // libheif knows less than the standard allows, each version more than the one before: that it
  // does not take a file is no proof. What the file promises beyond its own end is.
  [[nodiscard]] Finding Wrong(const heif_error& error) const {
    const Error said = HeifError(error, format_);
    Finding finding{said.code, said.message, {}, {}};
    const bool outside = said.message.find("outside of file bounds") != std::string::npos;
    const bool cut = said.code == ErrorCode::kTruncated && !boxes_.cut.empty();
    if (boxes_.sequence) return Sequence();
    if (cut || outside) {
      finding.code = ErrorCode::kTruncated;
      finding.offset = static_cast<std::int64_t>(file_.size());
    } else if (said.code != ErrorCode::kTooLarge) {
      finding.code = ErrorCode::kUnsupportedFormat;
    }
    return finding;
  }

  std::optional<Finding> OpenPrimary(Handle& primary) const {
    heif_image_handle* handle = nullptr;
    const heif_error error = heif_context_get_primary_image_handle(context_.get(), &handle);
    if (error.code != heif_error_Ok) return Wrong(error);
    primary.reset(handle);
    return CheckSides(heif_image_handle_get_width(handle), heif_image_handle_get_height(handle),
                      options_);
  }

  // Of a sequence, the pictures that stand still are read.
  [[nodiscard]] Finding Sequence() const {
    std::string what =
        fmt::format("it is a sequence of pictures ({}), of which only a still one is read",
                    ImageFormatName(format_));
    if (!boxes_.cut.empty()) what += fmt::format("; it ends within its {} box", boxes_.cut);
    return {ErrorCode::kUnsupportedFormat, std::move(what), {}, {}};
  }

  std::optional<Finding> DecodeAll() const {
    std::vector<heif_item_id> ids(
        static_cast<std::size_t>(heif_context_get_number_of_top_level_images(context_.get())));
    heif_context_get_list_of_top_level_image_IDs(context_.get(), ids.data(),
                                                 static_cast<int>(ids.size()));
    std::int64_t pixels = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto wrong = Decode(ids[i], pixels);
      if (!wrong) continue;
      if (ids.size() > 1) wrong->what += fmt::format(" (picture {} of {})", i + 1, ids.size());
      return wrong;
    }
    return std::nullopt;
  }

  // Adds to `pixels`, which the cap is for.
  std::optional<Finding> Decode(heif_item_id id, std::int64_t& pixels) const {
    heif_image_handle* raw_handle = nullptr;
    heif_error error = heif_context_get_image_handle(context_.get(), id, &raw_handle);
    if (error.code != heif_error_Ok) return Wrong(error);
    const Handle handle(raw_handle, &heif_image_handle_release);
    const std::int64_t width = heif_image_handle_get_width(raw_handle);
    const std::int64_t height = heif_image_handle_get_height(raw_handle);
    if (auto size = CheckSides(width, height, options_)) return size;
    pixels += width * height;
    if (pixels > options_.max_total_pixels) {
      return Finding{
          ErrorCode::kTooLarge,
          fmt::format("its pictures have more than {} pixels together", options_.max_total_pixels),
          {},
          {}};
    }
    heif_image* raw_image = nullptr;
    // Not strictly: libheif would refuse colour spaces that it does not know, too.
    error = heif_decode_image(raw_handle, &raw_image, heif_colorspace_undefined,
                              heif_chroma_undefined, nullptr);
    const Image image(raw_image, &heif_image_release);
    if (error.code != heif_error_Ok) return Wrong(error);
    return std::nullopt;
  }

  static std::optional<Finding> CheckMetadata(const Handle& primary) {
    heif_item_id id = 0;
    if (heif_image_handle_get_list_of_metadata_block_IDs(primary.get(), "Exif", &id, 1) != 1) {
      return std::nullopt;
    }
    std::vector<std::byte> block(heif_image_handle_get_metadata_size(primary.get(), id));
    const heif_error error = heif_image_handle_get_metadata(primary.get(), id, block.data());
    // Before the block is the number of bytes to pass over (ISO/IEC 23008-12, A.2.1).
    constexpr std::size_t kSkipBytes = 4;
    std::size_t skip = kSkipBytes;
    if (error.code == heif_error_Ok && block.size() >= kSkipBytes) {
      std::size_t more = 0;
      for (std::size_t i = 0; i < kSkipBytes; ++i) {
        more = more << 8 | std::to_integer<std::size_t>(block[i]);
      }
      skip += more;
    }
    const FileBytes rest = skip < block.size() ? FileBytes(block).subspan(skip) : FileBytes();
    auto wrong = CheckExif(rest, 0);
    if (wrong) wrong->offset.reset();  // libheif does not say where it lies
    return wrong;
  }

  FileBytes file_;
  const InspectOptions& options_;
  ImageFormat format_;
  HeifBoxes boxes_;
  Context context_{heif_context_alloc(), &heif_context_free};
};

}  // namespace

std::optional<Finding> InspectHeif(FileBytes file, const InspectOptions& options,
                                   ImageFormat format) {
  return HeifInspector(file, options, format).Run();
}

}  // namespace millrace

#else

namespace millrace {

std::optional<Finding> InspectHeif(FileBytes file, const InspectOptions& /*options*/,
                                   ImageFormat format) {
  const auto none = DecodeHeif(file, {}, format);  // says what is missing
  return Finding{none.error().code, none.error().message, {}, {}};
}

}  // namespace millrace

#endif
