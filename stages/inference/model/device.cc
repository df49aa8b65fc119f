#include "stages/inference/model/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <unistd.h>

#include <charconv>

namespace millrace {
namespace {

Result<DeviceChoice> ChooseByItself(int replica, const DevicesHere& here) {
  if (here.gpus > 0) {
    return DeviceChoice{c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(replica % here.gpus)),
                        ""};
  }
  DeviceChoice choice;
  if (here.driver) {
    choice.remark =
        "device: auto means the CPU here, though this machine has an NVIDIA driver: " +
        std::string(here.cuda ? "LibTorch finds no GPU" : "this build's LibTorch has no CUDA") +
        "; docs/gpu.md says what to do";
  }
  return choice;
}

}  // namespace

DevicesHere FindDevices() {
  DevicesHere here;
  here.cuda = at::hasCUDA();
  // The method was renamed; this one is found in 1.13 and in what followed.
  if (here.cuda) here.gpus = static_cast<int>(at::detail::getCUDAHooks().getNumGPUs());
  here.driver =
      access("/proc/driver/nvidia/version", F_OK) == 0 || access("/dev/nvidia0", F_OK) == 0;
  return here;
}

Result<DeviceChoice> ChooseDevice(const std::string& text, int replica, const DevicesHere& here) {
  if (text == "cpu") return DeviceChoice{};
  if (text == "auto") return ChooseByItself(replica, here);
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
  if (index >= here.gpus) {
    const std::string there =
        !here.cuda
            ? "this build's LibTorch has no CUDA"
            : (here.gpus == 0 ? "no GPU was found" : std::to_string(here.gpus) + " were found");
    return Fail(ErrorCode::kUsage, "device: " + text + " is not there: " + there +
                                       ". Use `device: auto` or `device: cpu`");
  }
  return DeviceChoice{c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)), ""};
}

void UseExactFp32() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

}  // namespace millrace
