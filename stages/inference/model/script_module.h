// A TorchScript file as a source of logits.
#pragma once

#include <torch/script.h>

#include <string>

#include "common/base/result.h"

namespace millrace {

class ScriptModule {
 public:
  // kNotFound, kUnreadable; kUnsupportedFormat for what torch.jit.save did not write.
  static Result<ScriptModule> Load(const std::string& path, const at::Device& device);

  // What the module's forward gives for N x 3 x H x W: the tensor, or the first of a tuple or a
  // list. Throws what LibTorch throws.
  [[nodiscard]] at::Tensor Logits(const at::Tensor& pictures);

 private:
  torch::jit::Module module_;
};

}  // namespace millrace
