#include "stages/postprocess/postprocess_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/image/encode.h"
#include "common/os/atomic_file.h"
#include "stages/postprocess/classes.h"
#include "stages/postprocess/output_name.h"
#include "stages/postprocess/paint.h"

namespace millrace {
namespace {

// A part of the payload as pixels; the bytes stay the payload's.
struct PartView {
  std::span<const std::uint8_t> pixels;
  int width = 0;
  int height = 0;
};

// kInternal where the part has another shape or type: the stage before is not what it should be.
Result<PartView> ViewPart(const Payload& payload, std::string_view name, int channels) {
  const Part* part = FindPart(payload, name);
  if (part == nullptr) {
    return Fail(ErrorCode::kInternal, fmt::format("the stage before sent no part '{}'", name));
  }
  const std::size_t dimensions = channels == 1 ? 2 : 3;
  constexpr std::int64_t kMostPixelsASide = 1 << 20;
  bool sound = CheckPart(*part) && part->dtype == DType::kUInt8 &&
               part->shape.size() == dimensions && (channels == 1 || part->shape[2] == channels);
  for (std::size_t i = 0; sound && i < 2; ++i) {
    sound = part->shape[i] >= 1 && part->shape[i] <= kMostPixelsASide;
  }
  if (!sound) {
    return Fail(ErrorCode::kInternal,
                fmt::format("the stage before sent a part '{}' that is not uint8 height x width{}",
                            name, channels == 1 ? "" : fmt::format(" x {}", channels)));
  }
  return PartView{{reinterpret_cast<const std::uint8_t*>(part->data.data()), part->data.size()},
                  static_cast<int>(part->shape[1]),
                  static_cast<int>(part->shape[0])};
}

// The picture and its labels at the size that is written. Moved, never copied: `labels` may refer
// to `resized_labels`.
struct Painting {
  Painting() = default;
  Painting(Painting&&) = default;
  Painting& operator=(Painting&&) = default;

  PartView picture;
  PartView labels;
  Pixels resized_labels;
};

class PostprocessStage final : public Stage {
 public:
  Result<void> Start(const StageContext& context) override {
    const Options& options = context.options;
    if (options.List("keep").empty()) {
      return Fail(ErrorCode::kUsage,
                  "keep names no class: every picture would be black; name one at least");
    }
    for (const std::string& name : options.List("keep")) {
      const auto label = ClassLabel(name);
      if (!label) return Fail(ErrorCode::kUsage, "keep names an unknown class: " + name);
      kept_[*label] = true;
    }
    const auto& what = options.List("what");
    for (const OutputKind kind :
         {OutputKind::kMasked, OutputKind::kMask, OutputKind::kLabels, OutputKind::kOverlay}) {
      if (std::ranges::find(what, OutputKindName(kind)) != what.end()) kinds_.push_back(kind);
    }
    if (kinds_.empty() && !options.Bool("areas")) {
      return Fail(ErrorCode::kUsage, "what is empty and areas is off: nothing would be written");
    }
    const std::string& format = options.Text("format");
    format_ = format == "png"    ? OutputFormat::kPng
              : format == "jpg"  ? OutputFormat::kJpeg
              : format == "webp" ? OutputFormat::kWebp
                                 : OutputFormat::kSame;
    quality_ = static_cast<int>(options.Integer("quality"));
    original_size_ = options.Text("size") == "original";
    areas_ = options.Bool("areas");
    return {};
  }

  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override {
    std::vector<Outcome> outcomes;
    outcomes.reserve(jobs.size());
    for (const Job& job : jobs) {
      outcomes.push_back(Write(job, context));
      context.Progress();
    }
    return outcomes;
  }

 private:
  Outcome Write(const Job& job, JobContext& context) const {
    if (job.run->output.empty() || job.key.starts_with(".millrace/")) {
      return Failed{ErrorCode::kUsage,
                    job.run->output.empty()
                        ? "the run has no output folder to write to"
                        : "OUTPUT/.millrace is millrace's own: nothing else is written there",
                    false};
    }
    const auto painting = Prepare(job.payload);
    if (!painting) return Failed{painting.error().code, painting.error().message, false};
    for (const OutputKind kind : kinds_) {
      const OutputName name = NameOutput(job.key, kind, kinds_.size() == 1, format_);
      const auto file = Encode(*painting, kind, name.format);
      if (!file) return Failed{file.error().code, file.error().message, false};
      context.Progress();
      const auto written =
          WriteAtomically(job.run->output, name.key, std::as_bytes(std::span(*file)),
                          [&] { return context.MayPublish(job); });
      if (!written) {
        return Failed{written.error().code, written.error().message, written.error().MayPass()};
      }
      if (!*written) {
        return Failed{ErrorCode::kTimeout,
                      "the lease was over before the output could be published", true};
      }
    }
    Done done;
    if (areas_) {
      done.record_name = "areas";
      done.record = AreasLine(job.key, painting->labels.pixels);
    }
    return done;
  }

  [[nodiscard]] Result<Painting> Prepare(const Payload& payload) const {
    Painting painting;
    ASSIGN_OR_RETURN(painting.labels, ViewPart(payload, "labels", 1));
    if (original_size_) {
      if (FindPart(payload, "original") == nullptr) {
        return Fail(ErrorCode::kUsage,
                    "size: original needs the full picture, which was not sent: set "
                    "preprocess.options.original: true");
      }
      ASSIGN_OR_RETURN(painting.picture, ViewPart(payload, "original", 3));
      PartView& labels = painting.labels;
      painting.resized_labels = ResizeLabels(labels.pixels, labels.width, labels.height,
                                             painting.picture.width, painting.picture.height);
      labels = {painting.resized_labels, painting.picture.width, painting.picture.height};
      return painting;
    }
    ASSIGN_OR_RETURN(painting.picture, ViewPart(payload, "image", 3));
    if (painting.picture.width != painting.labels.width ||
        painting.picture.height != painting.labels.height) {
      return Fail(
          ErrorCode::kInternal,
          fmt::format("the labels are {}x{} pixels and the picture is {}x{}", painting.labels.width,
                      painting.labels.height, painting.picture.width, painting.picture.height));
    }
    return painting;
  }

  [[nodiscard]] Result<FileBytes> Encode(const Painting& painting, OutputKind kind,
                                         FileFormat format) const {
    static constexpr auto kPalette = LabelPalette();
    const auto& rgb = painting.picture.pixels;
    const auto& labels = painting.labels.pixels;
    const auto view = [&painting](const std::uint8_t* data) {
      return PixelView{data, painting.picture.width, painting.picture.height};
    };
    switch (kind) {
      case OutputKind::kMasked:
        return EncodeRgb(view(PaintMasked(rgb, labels, kept_).data()), format, quality_);
      case OutputKind::kOverlay:
        return EncodeRgb(view(PaintOverlay(rgb, labels, kept_).data()), format, quality_);
      case OutputKind::kMask:
        return EncodeGreyPng(view(PaintMask(labels, kept_).data()));
      case OutputKind::kLabels:
        return EncodeIndexedPng(view(labels.data()), kPalette);
    }
    return Fail(ErrorCode::kInternal, "no such output");
  }

  KeptLabels kept_{};
  std::vector<OutputKind> kinds_;
  OutputFormat format_ = OutputFormat::kSame;
  int quality_ = 75;
  bool original_size_ = false;
  bool areas_ = false;
};

}  // namespace

std::unique_ptr<Stage> MakePostprocessStage() { return std::make_unique<PostprocessStage>(); }

}  // namespace millrace
