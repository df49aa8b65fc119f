// Where a model runs: "auto", "cpu", "cuda" or "cuda:N" as a device that is there.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "common/base/result.h"

namespace millrace {

// What this LibTorch and this machine offer.
struct DevicesHere {
  bool cuda = false;    // LibTorch was built with CUDA
  int gpus = 0;         // that it finds
  bool driver = false;  // the machine shows an NVIDIA driver, whatever LibTorch makes of it
};
DevicesHere FindDevices();

struct DeviceChoice {
  c10::Device device = c10::Device(c10::kCPU);
  std::string remark;  // Model::Remark
};

// auto: GPU number `replica` modulo their number, so that the replicas of a stage share them; where
// there is none, the CPU, with a remark where a GPU is to be expected. cuda is cuda:0. kUsage for a
// text that is none of these, and for a device that is not there, with what is.
Result<DeviceChoice> ChooseDevice(const std::string& text, int replica, const DevicesHere& here);

// fp32 means fp32 for the whole process: no TF32 in cuDNN or cuBLAS.
void UseExactFp32();

}  // namespace millrace
