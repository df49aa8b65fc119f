#include "stages/postprocess/postprocess_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/image/encode.h"
#include "common/os/batch_publish.h"
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
  constexpr std::int64_t kMaxPixelsASide = 1 << 20;
  bool sound = CheckPart(*part) && part->dtype == DType::kUInt8 &&
               part->shape.size() == dimensions && (channels == 1 || part->shape[2] == channels);
  for (std::size_t i = 0; sound && i < 2; ++i) {
    sound = part->shape[i] >= 1 && part->shape[i] <= kMaxPixelsASide;
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

// All files of a group are open until they are published.
constexpr std::size_t kMaxBatch = 64;

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
    const std::string& durability = options.Text("durability");
    together_ = durability == "group" ? kMaxBatch : 1;
    syncing_ = durability == "none" ? Syncing::kNone : Syncing::kBefore;
    return {};
  }

  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override {
    std::vector<Outcome> outcomes;
    outcomes.reserve(jobs.size());
    while (!jobs.empty()) {
      const std::size_t count = std::min(jobs.size(), together_);
      ProcessTogether(jobs.first(count), context, outcomes);
      jobs = jobs.subspan(count);
    }
    return outcomes;
  }

 private:
  void ProcessTogether(std::span<const Job> jobs, JobContext& context,
                       std::vector<Outcome>& outcomes) const {
    std::vector<TogetherItem> items(jobs.size());
    std::vector<Outcome> written;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      items[i].before_publish = [&context, &job = jobs[i]] { return context.MayPublish(job); };
      written.push_back(Write(jobs[i], items[i].files, context));
      if (!std::holds_alternative<Done>(written[i])) items[i].files.clear();
      context.Progress();
    }
    BatchPublish(items, syncing_, [&context] { context.Progress(); });
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      outcomes.push_back(AfterPublishing(std::move(written[i]), items[i]));
    }
  }

  static Outcome AfterPublishing(Outcome written, const TogetherItem& item) {
    auto* done = std::get_if<Done>(&written);
    if (done == nullptr) return written;
    if (item.error) return Failure(*item.error);
    if (item.refused) {
      return Failed{ErrorCode::kTimeout, "the lease was over before the output could be published",
                    true};
    }
    for (std::size_t i = 0; i < item.stamps.size(); ++i) {
      done->outputs[i].bytes = item.stamps[i].bytes;
      done->outputs[i].mtime_ns = item.stamps[i].mtime_ns;
    }
    return written;
  }

  static Failed Failure(const WriteError& error) {
    return {error.code, error.message, error.MayPass()};
  }

  // Paints and encodes into `files`, which are still to be published. Done names them as outputs.
  Outcome Write(const Job& job, std::vector<AtomicFile>& files, JobContext& context) const {
    if (job.run->output.empty() || job.key.starts_with(".millrace/")) {
      return Failed{ErrorCode::kUsage,
                    job.run->output.empty()
                        ? "the run has no output folder to write to"
                        : "OUTPUT/.millrace is millrace's own: nothing else is written there",
                    false};
    }
    const auto painting = Prepare(job.payload);
    if (!painting) return Failed{painting.error().code, painting.error().message, false};
    Done done;
    for (const OutputKind kind : kinds_) {
      const OutputName name = NameOutput(job.key, kind, kinds_.size() == 1, format_);
      const auto bytes = Encode(*painting, kind, name.format);
      if (!bytes) return Failed{bytes.error().code, bytes.error().message, false};
      context.Progress();
      auto file = AtomicFile::Create(job.run->output, name.key);
      if (!file) return Failure(file.error());
      if (const auto appended = file->Append(std::as_bytes(std::span(*bytes))); !appended) {
        return Failure(appended.error());
      }
      files.push_back(std::move(*file));
      done.outputs.push_back({.path = name.key});
    }
    if (areas_) {
      done.record = {"areas", AreasLine(job.key, painting->labels.pixels)};
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
  std::size_t together_ = kMaxBatch;  // items that are published at once
  Syncing syncing_ = Syncing::kBefore;
};

}  // namespace

std::unique_ptr<Stage> MakePostprocessStage() { return std::make_unique<PostprocessStage>(); }

}  // namespace millrace
