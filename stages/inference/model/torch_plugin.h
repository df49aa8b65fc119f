// LibTorch behind dlopen. Linking it costs a process 0.65 s and 160 MB before main, so millrace-
// inference does without, and loads this project's libmillrace-torch.so for the models that need
// it: a run with skin-tone never pays, and a build without LibTorch lacks nothing but that file.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "stages/inference/model/torch_model.h"

namespace millrace {

// LoadTorchModel from FOLDER/libmillrace-torch.so, or FOLDER/../lib/millrace/libmillrace-torch.so.
// The library stays loaded until the process ends: LibTorch's threads do not survive unloading.
// kNotFound where it is in neither place; kUnavailable where it does not load.
Result<std::unique_ptr<Model>> LoadTorchModelFrom(const std::string& folder,
                                                  const TorchModelOptions& options);

// What libmillrace-torch.so exports, and the type of it. Both sides come from one build.
inline constexpr char kTorchLibrary[] = "libmillrace-torch.so";
inline constexpr char kLoadTorchModelSymbol[] = "millrace_load_torch_model";
using LoadTorchModelFunction = void(const TorchModelOptions& options,
                                    Result<std::unique_ptr<Model>>& model);

}  // namespace millrace
