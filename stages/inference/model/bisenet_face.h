// BiSeNet for face parsing (Yu et al., ECCV 2018, arXiv 1808.00897; the variant of
// face-parsing.PyTorch, whose spatial path is the ResNet-18 feature at stride 8), for inference.
//
// Batch norms are folded into the convolutions before them. The auxiliary heads are not computed.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "common/base/result.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace {

class BiSeNetFace {
 public:
  // kUnsupportedFormat where the state dict is not this network's (CheckBiSeNetFaceParameters).
  // `path` is for messages.
  static Result<BiSeNetFace> Load(const StateDict& state, const std::string& path,
                                  const at::Device& device);

  // N x 3 x H x W float32, normalised -> N x 19 x ceil(H/8) x ceil(W/8) logits of the main head.
  // Throws what ATen throws.
  [[nodiscard]] at::Tensor Logits(const at::Tensor& pictures) const;

 private:
  // A convolution with the batch norm after it, if any, folded in.
  struct Convolution {
    at::Tensor weight;
    at::Tensor bias;
    std::int64_t stride = 1;
    [[nodiscard]] at::Tensor operator()(const at::Tensor& in) const;
  };
  struct BasicBlock {
    Convolution conv1, conv2, downsample;
    bool downsampled = false;
    [[nodiscard]] at::Tensor operator()(const at::Tensor& in) const;
  };
  struct Attention {
    Convolution conv, attention;
    [[nodiscard]] at::Tensor operator()(const at::Tensor& in) const;
  };
  class Weights;  // reads and folds

  Convolution stem_;
  std::vector<std::vector<BasicBlock>> layers_;
  Attention attention16_, attention32_;
  Convolution head32_, head16_, average_;
  Convolution fuse_, squeeze_, excite_;
  Convolution out_, classify_;
};

}  // namespace millrace
