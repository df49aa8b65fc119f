// Where a model runs: "auto", "cpu", "cuda" or "cuda:N" as a device that is there.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "common/base/result.h"

namespace millrace {

// auto: cuda:0 where this LibTorch has CUDA and finds a GPU, else the CPU. kUsage for a text that
// is none of these, and for a device that is not there, with what is.
Result<c10::Device> FindDevice(const std::string& text);

// fp32 means fp32 for the whole process: no TF32 in cuDNN or cuBLAS.
void UseExactFp32();

}  // namespace millrace
