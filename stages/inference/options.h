// The inference stage's options in the topology file. No LibTorch here: the command line checks
// them before anything starts.
#pragma once

#include "common/base/result.h"
#include "common/config/options.h"

namespace millrace {

//   model: bisenet-face      # bisenet-face | torchscript | skin-tone
//   weights: ../models/79999_iter.pth
//   device: auto             # auto | cpu | cuda | cuda:N
//   precision: fp32
//   threads: 0               # of this process; 0: the machine's cores shared by the replicas
OptionSchema InferenceOptions();

// What the schema cannot say: a device that is none, and weights that the model needs and that are
// not given or not there. kUsage or kNotFound, with what to do.
Result<void> CheckInferenceOptions(const Options& options);

}  // namespace millrace
