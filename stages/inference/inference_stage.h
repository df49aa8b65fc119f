// The inference stage: pictures in, the class of each pixel out.
//
// In:  part "image", uint8 {height, width, 3}, RGB; other parts and the meta pass through.
// Out: the same parts, not copied, and "labels", uint8 {height, width}.
//
// Pictures of one size in a batch go through the model together. Where that fails they go one by
// one, so that a picture the model cannot take costs no other its result. A picture that fails by
// itself is tried again later (internal, retryable), unless the model does not take a black picture
// of its size either: then the model or its device is at fault, and the stage is Broken.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/stage/stage.h"
#include "stages/inference/model/model.h"

namespace millrace {

// A model, and what its labels depend on beside the picture, as Stage::Ingredients says it.
struct MadeModel {
  std::unique_ptr<Model> model;
  std::string ingredients;
};

// Makes the model that the stage's checked options ask for.
using ModelMaker = std::function<Result<MadeModel>(const StageContext& context)>;

class InferenceStage final : public Stage {
 public:
  explicit InferenceStage(ModelMaker make_model) : make_model_(std::move(make_model)) {}

  Result<void> Start(const StageContext& context) override;
  [[nodiscard]] std::string Ingredients() const override { return made_.ingredients; }
  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override;
  [[nodiscard]] std::string Broken() const override { return broken_; }

 private:
  ModelMaker make_model_;
  MadeModel made_;
  std::string broken_;
};

// skin-tone in this process; the others through libmillrace-torch.so beside the executable.
std::unique_ptr<Stage> MakeInferenceStage();

}  // namespace millrace
