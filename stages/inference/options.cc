#include "stages/inference/options.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string>

namespace millrace {
namespace {

bool IsDevice(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return true;
  constexpr std::string_view kPrefix = "cuda:";
  return text.starts_with(kPrefix) && text.size() > kPrefix.size() &&
         text.size() <= kPrefix.size() + 3 &&
         std::all_of(text.begin() + kPrefix.size(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

OptionSchema InferenceOptions() {
  OptionSchema schema;
  schema
      .Add({.name = "model",
            .type = OptionType::kChoice,
            .help = "What finds the classes: bisenet-face (19 parts of a face), torchscript (a "
                    "module of yours), or skin-tone (colour alone, needs no weights).",
            .default_value = std::string("bisenet-face"),
            .choices = {"bisenet-face", "torchscript", "skin-tone"},
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "weights",
            .type = OptionType::kPath,
            .help = "The model's weights: a state dict (.pth) for bisenet-face, a module of "
                    "torch.jit.save for torchscript.",
            .in_recipe = InRecipe::kNever})  // the file's content does: InferenceStage::Ingredients
      .Add({.name = "device",
            .type = OptionType::kText,
            .help =
                "Where the model runs: auto (a GPU where there is one; of several, each replica "
                "takes the next), cpu, cuda or cuda:N.",
            .default_value = std::string("auto"),
            .in_recipe = InRecipe::kNever})
      .Add({.name = "precision",
            .type = OptionType::kChoice,
            .help = "The arithmetic: fp32, exact, without TF32.",
            .default_value = std::string("fp32"),
            .choices = {"fp32"},
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "threads",
            .type = OptionType::kInteger,
            .help = "CPU threads of each replica; 0 shares the cores this process may use among "
                    "the stage's replicas.",
            .default_value = std::int64_t{0},
            .min = 0,
            .max = 1024,
            .in_recipe = InRecipe::kNever});
  return schema;
}

Result<void> CheckInferenceOptions(const Options& options) {
  const std::string& device = options.Text("device");
  if (!IsDevice(device)) {
    return Fail(ErrorCode::kUsage,
                "device: '" + device + "' is none of auto, cpu, cuda and cuda:N");
  }
  const std::string& model = options.Text("model");
  if (model == "skin-tone") return {};
  const std::string cure =
      model == "bisenet-face"
          ? "`millrace model fetch bisenet-face` fetches the published ones and says where they are"
          : "it is what torch.jit.save wrote of a traced or scripted module";
  if (!options.Has("weights") || options.Text("weights").empty()) {
    return Fail(ErrorCode::kUsage, "model: " + model + " needs `weights`: " + cure);
  }
  const std::string& weights = options.Text("weights");
  if (access(weights.c_str(), R_OK) != 0) {
    const int error = errno;
    return Fail(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
                "cannot read the weights " + weights + ": " + ErrnoText(error) + "; " + cure);
  }
  return {};
}

}  // namespace millrace
