#include "stages/inference/inference_stage.h"

#include <fmt/format.h>

#include <exception>
#include <map>
#include <utility>
#include <vector>

#include "stages/inference/model_factory.h"
#include "stages/inference/options.h"

namespace millrace {
namespace {

constexpr std::string_view kImage = "image";
constexpr std::string_view kLabels = "labels";

using Size = std::pair<std::int64_t, std::int64_t>;  // height, width

Failed Fault(std::string text) { return {.code = ErrorCode::kInternal, .text = std::move(text)}; }

// A model or a device may be able to do a minute later what it could not do now; a model that does
// not fit the stage (kUsage) will not.
Failed ModelFailure(const Error& error) {
  const bool misfit = error.code == ErrorCode::kUsage;
  return {.code = misfit ? ErrorCode::kUsage : ErrorCode::kInternal,
          .text = error.message,
          .retryable = !misfit};
}

// The job's picture, or why it has none.
Result<const Part*> Picture(const Job& job) {
  const Part* part = FindPart(job.payload, kImage);
  if (part == nullptr) {
    return Fail(ErrorCode::kInternal,
                "no part \"image\" came with it: the stage before inference "
                "must send one, uint8 {height, width, 3}");
  }
  const bool picture = part->dtype == DType::kUInt8 && part->shape.size() == 3 &&
                       part->shape[0] > 0 && part->shape[1] > 0 && part->shape[2] == 3 &&
                       CheckPart(*part).has_value();
  if (!picture) {
    return Fail(
        ErrorCode::kInternal,
        fmt::format("its part \"image\" is {} {{{}}} of {} bytes, not uint8 {{height, "
                    "width, 3}}",
                    DTypeName(part->dtype), fmt::join(part->shape, ", "), part->data.size()));
  }
  return part;
}

Done WithLabels(const Job& job, Labels labels, const Size& size) {
  Done done;
  done.meta = job.meta;
  for (const Part& part : job.payload) {
    if (part.name != kLabels) done.payload.push_back(part);
  }
  done.payload.push_back({.name = std::string(kLabels),
                          .dtype = DType::kUInt8,
                          .shape = {size.first, size.second},
                          .data = Buffer::Own(std::move(labels))});
  return done;
}

// What the model gives: one Labels a picture, or an error.
Result<std::vector<Labels>> Ask(Model& model, const PictureBatch& batch) {
  try {
    auto labels = model.Segment(batch);
    if (labels && labels->size() != batch.pictures.size()) {
      return Fail(ErrorCode::kInternal, "the model did not give one result a picture");
    }
    return labels;
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, std::string("the model failed: ") + error.what());
  }
}

// One Process call: what each job came to.
class Batch {
 public:
  Batch(Model& model, std::span<const Job> jobs, JobContext& context)
      : model_(model),
        jobs_(jobs),
        context_(context),
        outcomes_(jobs.size(), ModelFailure({ErrorCode::kInternal, "the model failed before"})) {}

  std::vector<Outcome> Run() {
    std::map<Size, std::vector<std::size_t>> by_size;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const auto picture = Picture(jobs_[i]);
      if (!picture) {
        outcomes_[i] = Fault(picture.error().message);
      } else if (context_.Cancelled(jobs_[i])) {
        outcomes_[i] = Fault("not wanted any more");
      } else {
        by_size[{(*picture)->shape[0], (*picture)->shape[1]}].push_back(i);
      }
    }
    for (const auto& [size, indices] : by_size) {
      if (indices.size() > 1 && Segment(size, indices)) continue;
      for (const std::size_t i : indices) {
        const auto segmented = Segment(size, {i});
        if (segmented || segmented.error().code == ErrorCode::kUsage) continue;
        if (SegmentsBlank(size)) continue;
        broken_ = segmented.error().message;
        return std::move(outcomes_);
      }
    }
    return std::move(outcomes_);
  }

  // InferenceStage::Broken.
  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  // Of these jobs the outcomes hold what it came to.
  Result<void> Segment(const Size& size, const std::vector<std::size_t>& indices) {
    PictureBatch batch{size.first, size.second, {}};
    for (const std::size_t i : indices) {
      batch.pictures.push_back(FindPart(jobs_[i].payload, kImage)->data.bytes());
    }
    auto labels = Ask(model_, batch);
    context_.Progress();
    for (std::size_t i = 0; i < indices.size(); ++i) {
      outcomes_[indices[i]] =
          labels ? Outcome(WithLabels(jobs_[indices[i]], std::move((*labels)[i]), size))
                 : Outcome(ModelFailure(labels.error()));
    }
    if (!labels) return Fail(labels.error());
    return {};
  }

  // Whether the model takes a black picture of that size: a picture that it does not take is at
  // fault only then.
  bool SegmentsBlank(const Size& size) {
    const std::vector<std::byte> black(static_cast<std::size_t>(size.first * size.second * 3));
    const auto labels = Ask(model_, {size.first, size.second, {black}});
    context_.Progress();
    return labels.has_value();
  }

  Model& model_;
  std::span<const Job> jobs_;
  JobContext& context_;
  std::vector<Outcome> outcomes_;
  std::string broken_;
};

}  // namespace

Result<void> InferenceStage::Start(const StageContext& context) {
  RETURN_IF_ERROR(CheckInferenceOptions(context.options));
  ASSIGN_OR_RETURN(made_, make_model_(context));
  context.log->info("{} on {}", context.options.Text("model"), made_.model->RunsOn());
  if (const std::string remark = made_.model->Remark(); !remark.empty()) {
    context.log->warn("{}", remark);
  }
  return {};
}

std::vector<Outcome> InferenceStage::Process(std::span<const Job> jobs, JobContext& context) {
  Batch batch(*made_.model, jobs, context);
  auto outcomes = batch.Run();
  broken_ = batch.broken();
  return outcomes;
}

std::unique_ptr<Stage> MakeInferenceStage() {
  return std::make_unique<InferenceStage>(CreateModel);
}

}  // namespace millrace
