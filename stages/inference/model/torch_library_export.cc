// The one function that libmillrace-torch.so exports (torch_library.h).
#include "stages/inference/model/torch_library.h"

extern "C" __attribute__((visibility("default"))) void millrace_load_torch_model(
    const millrace::TorchModelOptions& options,
    millrace::Result<std::unique_ptr<millrace::Model>>& model) {
  model = millrace::LoadTorchModel(options);
}
