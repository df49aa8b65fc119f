#include "stages/inference/model/script_module.h"

#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <exception>

#include "stages/inference/unpickler/state_dict.h"

namespace millrace {
namespace {

at::Tensor FirstTensor(const torch::jit::IValue& value) {
  if (value.isTensor()) return value.toTensor();
  if (value.isTuple() && !value.toTupleRef().elements().empty()) {
    return FirstTensor(value.toTupleRef().elements()[0]);
  }
  if (value.isTensorList() && !value.toTensorList().empty()) return value.toTensorList().get(0);
  TORCH_CHECK(false, "the module gives neither a tensor nor a tuple or list of them, but a ",
              value.tagKind());
}

}  // namespace

Result<ScriptModule> ScriptModule::Load(const std::string& path, const at::Device& device) {
  ASSIGN_OR_RETURN(const WeightsFormat format, DetectWeightsFormat(path));
  if (format != WeightsFormat::kTorchScript) {
    return Fail(ErrorCode::kUnsupportedFormat,
                path + " is a " + std::string(WeightsFormatText(format)) +
                    ", not a TorchScript module: save torch.jit.trace(model, example) with "
                    "torch.jit.save, or use it with `model: bisenet-face`");
  }
  // LibTorch 2.6 hangs in this fuser on frozen modules with channels-last tensors.
  torch::jit::setTensorExprFuserEnabled(false);
  ScriptModule script;
  script.module_ = torch::jit::load(path, device);
  script.module_.eval();
  try {
    script.module_ = torch::jit::freeze(script.module_);
  } catch (const std::exception&) {
    // A module that changes its own attributes cannot be frozen; it runs as it is, slower.
  }
  return script;
}

at::Tensor ScriptModule::Logits(const at::Tensor& pictures) {
  // The first calls would otherwise be profiled, and each new batch size recompiled for.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  return FirstTensor(module_.forward({pictures}));
}

}  // namespace millrace
