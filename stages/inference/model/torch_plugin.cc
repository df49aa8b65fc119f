#include "stages/inference/model/torch_plugin.h"

#include <dlfcn.h>
#include <unistd.h>

namespace millrace {

Result<std::unique_ptr<Model>> LoadTorchModelFrom(const std::string& folder,
                                                  const TorchModelOptions& options) {
  std::string path = folder + "/" + kTorchLibrary;
  if (access(path.c_str(), F_OK) != 0) path = folder + "/../lib/millrace/" + kTorchLibrary;
  if (access(path.c_str(), F_OK) != 0) {
    return Fail(ErrorCode::kNotFound,
                std::string(kTorchLibrary) + " is neither in " + folder +
                    " nor in ../lib/millrace beside it: this millrace was built without LibTorch "
                    "(MILLRACE_MODELS=OFF) and knows only `model: skin-tone`");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return Fail(ErrorCode::kUnavailable,
                "cannot load " + path + ": " + (why == nullptr ? "unknown error" : why));
  }
  auto* load = reinterpret_cast<LoadTorchModelFunction*>(dlsym(library, kLoadTorchModelSymbol));
  if (load == nullptr) {
    return Fail(ErrorCode::kUnavailable,
                path + " is not of this build: it lacks " + kLoadTorchModelSymbol);
  }
  Result<std::unique_ptr<Model>> model;
  load(options, model);
  return model;
}

}  // namespace millrace
