// The one function that libmillrace-torch.so exports (torch_plugin.h).
#include "stages/inference/model/torch_plugin.h"

extern "C" __attribute__((visibility("default"))) void millrace_load_torch_model(
    const millrace::TorchModelOptions& options,
    millrace::Result<std::unique_ptr<millrace::Model>>& model) {
  model = millrace::LoadTorchModel(options);
}
