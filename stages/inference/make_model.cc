#include "stages/inference/make_model.h"

#include <algorithm>

#include "common/os/cores.h"
#include "common/os/executable_dir.h"
#include "stages/inference/model/torch_library.h"
#include "stages/inference/skin_tone/skin_tone.h"

namespace millrace {

Result<std::unique_ptr<Model>> MakeModel(const StageContext& context) {
  const Options& options = context.options;
  const std::string& name = options.Text("model");
  if (name == "skin-tone") return std::make_unique<SkinTone>();
  TorchModelOptions torch{
      .kind = name == "torchscript" ? TorchModelKind::kTorchScript : TorchModelKind::kBiSeNetFace,
      .weights = options.Text("weights"),
      .device = options.Text("device"),
      .threads = ThreadsPerReplica(options.Integer("threads"), UsableCores(), context.replicas)};
  ASSIGN_OR_RETURN(const std::string folder, ExecutableDir());
  return LoadTorchModelFrom(folder, torch);
}

int ThreadsPerReplica(std::int64_t threads, int cores, int replicas) {
  if (threads > 0) return static_cast<int>(threads);
  return std::max(1, cores / std::max(1, replicas));
}

}  // namespace millrace
