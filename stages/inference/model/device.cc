#include "stages/inference/model/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <charconv>

namespace millrace {
namespace {

int Gpus() {
  if (!at::hasCUDA()) return 0;
  // The method was renamed; this one is found in 1.13 and in what followed.
  return static_cast<int>(at::detail::getCUDAHooks().getNumGPUs());
}

}  // namespace

Result<c10::Device> FindDevice(const std::string& text) {
  if (text == "cpu") return c10::Device(c10::kCPU);
  const int gpus = Gpus();
  if (text == "auto") {
    return gpus > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  }
  int index = 0;
  const std::string prefix = "cuda:";
  if (text != "cuda") {
    const char* end = text.data() + text.size();
    if (!text.starts_with(prefix) ||
        std::from_chars(text.data() + prefix.size(), end, index).ptr != end ||
        text.size() == prefix.size() || index < 0) {
      return Fail(ErrorCode::kUsage,
                  "device: '" + text + "' is none of auto, cpu, cuda and cuda:N");
    }
  }
  if (index >= gpus) {
    const std::string there =
        !at::hasCUDA() ? "this build's LibTorch has no CUDA"
                       : (gpus == 0 ? "no GPU was found" : std::to_string(gpus) + " were found");
    return Fail(ErrorCode::kUsage, "device: " + text + " is not there: " + there +
                                       ". Use `device: auto` or `device: cpu`");
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void UseExactFp32() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

}  // namespace millrace
