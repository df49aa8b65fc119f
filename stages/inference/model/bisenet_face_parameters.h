// The names and shapes of BiSeNet's state dict for face parsing (79999_iter.pth): 191 tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace {

struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;  // empty: a batch norm's int64 counter, of no use at inference
};

// In the order of the published file. Includes the auxiliary heads (conv_out16, conv_out32), which
// inference does not compute.
std::vector<ParameterSpec> BiSeNetFaceParameters();

// kUnsupportedFormat, naming what is missing, unexpected or mis-shaped, and what to do. Counters of
// batch norms may be missing: PyTorch before 0.4.1 did not write them.
Result<void> CheckBiSeNetFaceParameters(const StateDict& state, const std::string& path);

}  // namespace millrace
