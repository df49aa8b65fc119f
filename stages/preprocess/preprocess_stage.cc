#include "stages/preprocess/preprocess_stage.h"

#include <utility>

#include "common/image/sniff.h"
#include "common/image/transpose.h"
#include "common/image/unread_family.h"
#include "stages/input_file.h"

namespace millrace {
namespace {

Part PicturePart(std::string name, Picture picture) {
  Part part;
  part.name = std::move(name);
  part.dtype = DType::kUInt8;
  part.shape = {picture.height, picture.width, 3};
  auto owner = std::make_shared<const PixelBytes>(std::move(picture.bytes));
  part.data = Buffer::Share(owner, owner->data(), owner->size());
  return part;
}

// What DecodeResized does, keeping the whole picture too.
struct WithOriginal {
  DecodedResized resized;
  Picture original;  // kRGB
};

Result<WithOriginal> DecodeKeepingOriginal(std::span<const std::byte> file,
                                           const DecodeOptions& decode,
                                           const ResizeOptions& resize) {
  ASSIGN_OR_RETURN(Decoded decoded, DecodePicture(file, decode));
  WithOriginal result;
  ASSIGN_OR_RETURN(result.resized, Resized(decoded, resize));
  result.original = ToRgb(std::move(decoded.picture));
  return result;
}

// Whether what was decoded of the file is not its own picture: a camera raw's preview.
bool IsPreview(std::span<const std::byte> file) {
  const auto family = FindUnreadFamily(file);
  return family && family->reads != UnreadFamily::Reads::kPicture;
}

}  // namespace

Result<void> PreprocessStage::Start(const StageContext& context) {
  const Options& options = context.options;
  resize_.size = {static_cast<int>(options.Integer("size.width")),
                  static_cast<int>(options.Integer("size.height"))};
  resize_.order = options.Text("pillow_order") == "older" ? PassOrder::kOlder : PassOrder::k13;
  resize_.apply_orientation = options.Text("orientation") == "apply";
  decode_.accept_truncated = options.Text("truncated") == "accept";
  decode_.max_pixels = options.Integer("max_pixels");
  decode_.max_side = options.Integer("max_side");
  decode_.max_bytes = options.Bytes("max_bytes");
  original_ = options.Bool("original");
  return {};
}

std::vector<Outcome> PreprocessStage::Process(std::span<const Job> jobs, JobContext& context) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(jobs.size());
  for (const Job& job : jobs) {
    if (context.Cancelled(job)) {
      outcomes.emplace_back(Failed{ErrorCode::kInternal, "cancelled", false});
    } else {
      outcomes.push_back(ProcessOne(job));
    }
    context.Progress();
  }
  return outcomes;
}

Outcome PreprocessStage::ProcessOne(const Job& job) const {
  const bool named_like_an_image = !job.meta.Bool(kUnnamedMeta, false);
  auto input = ReadInput(job.run->input, job.key, named_like_an_image, decode_.max_bytes);
  if (auto* none = std::get_if<NoInput>(&input)) {
    return std::visit([](auto& how) { return Outcome(std::move(how)); }, *none);
  }
  const auto& file = std::get<std::vector<std::byte>>(input);

  Done done;
  DecodedResized resized;
  if (original_) {
    auto both = DecodeKeepingOriginal(file, decode_, resize_);
    if (!both) return Failed{both.error().code, both.error().message, false};
    resized = std::move(both->resized);
    done.payload.push_back(PicturePart("original", std::move(both->original)));
  } else {
    auto decoded = DecodeResized(file, decode_, resize_);
    if (!decoded) return Failed{decoded.error().code, decoded.error().message, false};
    resized = std::move(*decoded);
  }
  done.meta = job.meta;
  done.meta.Set("width", std::int64_t{resized.width});
  done.meta.Set("height", std::int64_t{resized.height});
  done.meta.Set("mode", std::string(PixelModeName(resized.mode)));
  done.meta.Set("format", std::string(ImageFormatName(resized.format)));
  done.meta.Set("orientation", std::int64_t{resized.orientation});
  done.warnings = std::move(resized.warnings);
  if (resized.orientation != 1 && !resize_.apply_orientation) {
    done.warnings.emplace_back("orientation-ignored");
  }
  if (IsPreview(file)) done.warnings.emplace_back("preview-only");
  done.payload.insert(done.payload.begin(), PicturePart("image", std::move(resized.picture)));
  return done;
}

std::unique_ptr<Stage> MakePreprocessStage() { return std::make_unique<PreprocessStage>(); }

}  // namespace millrace
