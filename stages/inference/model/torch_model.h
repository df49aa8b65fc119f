// Models that run on LibTorch: bisenet-face and TorchScript files. No LibTorch in this header.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "stages/inference/model/model.h"

namespace millrace {

enum class TorchModelKind {
  kBiSeNetFace,  // weights: a state dict (.pth); 19 classes
  // weights: a module from torch.jit.save that takes N x 3 x H x W float32, normalised as for
  // BiSeNet, and gives N x C x h x w logits, or a tuple or list whose first is that. C <= 256.
  kTorchScript,
};

struct TorchModelOptions {
  TorchModelKind kind = TorchModelKind::kBiSeNetFace;
  std::string weights;          // path
  std::string device = "auto";  // auto | cpu | cuda | cuda:N, see ChooseDevice in device.h
  int replica = 0;              // of the stage: with auto, which of several GPUs
  int threads = 1;              // of LibTorch, for the thread that calls Segment; at least 1
};

// Loads the weights and puts the model on its device. Arithmetic is fp32 throughout, TF32 off.
// Logits are upsampled to the picture's size, bilinear with align_corners, and the class of the
// highest is the label (the first of equal ones).
//
// kNotFound, kUnreadable, kCorrupt or kUnsupportedFormat for the weights; kUsage for a device that
// is not there.
Result<std::unique_ptr<Model>> LoadTorchModel(const TorchModelOptions& options);

}  // namespace millrace
