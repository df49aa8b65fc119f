#include "stages/builtin_options.h"

#include <array>
#include <utility>

#include "stages/inference/options.h"
#include "stages/inspect/options.h"
#include "stages/postprocess/options.h"
#include "stages/preprocess/options.h"
#include "stages/scanner/options.h"

namespace millrace {
namespace {

// A constant: made at the first call, since its parts allocate.
const auto& Builtins() {
  static const std::array<std::pair<std::string, OptionSchema>, 5> kBuiltins{
      {{"scanner", ScannerOptions()},
       {"preprocess", PreprocessOptions()},
       {"inference", InferenceOptions()},
       {"postprocess", PostprocessOptions()},
       {"inspect", InspectStageOptions()}}};
  return kBuiltins;
}

// "what; cure" as the stages' own checks write it.
OptionProblem Split(const StageConfig& stage, std::string option, const std::string& message) {
  const std::size_t semicolon = message.rfind("; ");
  const std::size_t colon = message.rfind(": ");
  const std::size_t at = semicolon != std::string::npos ? semicolon : colon;
  return {.stage = stage.name,
          .option = std::move(option),
          .what = message.substr(0, at),
          .cure = at == std::string::npos ? "correct it" : message.substr(at + 2)};
}

}  // namespace

const OptionSchema* BuiltinSchema(std::string_view executable) {
  for (const auto& [name, schema] : Builtins()) {
    if (name == executable) return &schema;
  }
  return nullptr;
}

std::vector<std::string> BuiltinExecutables() {
  std::vector<std::string> names;
  for (const auto& builtin : Builtins()) names.push_back(builtin.first);
  return names;
}

std::vector<OptionProblem> CheckBuiltinOptions(const Topology& topology) {
  std::vector<OptionProblem> problems;
  const StageConfig* preprocess = nullptr;
  for (const StageConfig& stage : topology.stages) {
    if (!stage.options_checked) continue;
    if (stage.executable == "preprocess") preprocess = &stage;
    if (stage.executable == "inference") {
      if (const auto checked = CheckInferenceOptions(stage.options); !checked) {
        const std::string& message = checked.error().message;
        problems.push_back(
            Split(stage, message.starts_with("device") ? "device" : "weights", message));
      }
    }
    if (stage.executable == "inspect") {
      if (const auto limits = ReaderLimits(stage.options); !limits) {
        problems.push_back(Split(stage, "readers", limits.error().message));
      }
    }
    if (stage.executable == "postprocess" && preprocess != nullptr &&
        stage.options.Text("size") == "original" && !preprocess->options.Bool("original")) {
      problems.push_back(
          {.stage = stage.name,
           .option = "size",
           .what = "the full picture does not come this far",
           .cure = "set " + preprocess->name + ".options.original to true, or write size: model"});
    }
  }
  return problems;
}

}  // namespace millrace
