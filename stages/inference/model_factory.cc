#include "stages/inference/model_factory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/sha256.h"
#include "common/os/cpu_count.h"
#include "common/os/executable_dir.h"
#include "stages/inference/model/torch_plugin.h"
#include "stages/inference/skin_tone/skin_tone.h"
#include "stages/inference/unpickler/mapped_file.h"

namespace millrace {

Result<MadeModel> CreateModel(const StageContext& context) {
  const Options& options = context.options;
  const std::string& name = options.Text("model");
  if (name == "skin-tone") {
    return MadeModel{std::make_unique<SkinTone>(), fmt::format("{} {}", name, kSkinToneVersion)};
  }
  const std::string& weights = options.Text("weights");
  // Mapped until the model is loaded: the digest leaves the file in the page cache, and no other
  // file can take its inode's number meanwhile.
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(weights));
  ASSIGN_OR_RETURN(const std::string digest, Sha256(file->bytes()));
  TorchModelOptions torch{
      .kind = name == "torchscript" ? TorchModelKind::kTorchScript : TorchModelKind::kBiSeNetFace,
      .weights = weights,
      .device = options.Text("device"),
      .replica = context.replica,
      .threads = ThreadsPerReplica(options.Integer("threads"), UsableCores(), context.replicas)};
  ASSIGN_OR_RETURN(const std::string folder, ExecutableDir());
  ASSIGN_OR_RETURN(auto model, LoadTorchModelFrom(folder, torch));
  if (!file->IsStill(weights)) {
    return Fail(ErrorCode::kUnavailable, weights + " changed while it was loaded: start again");
  }
  return MadeModel{std::move(model), name + " " + Hex(digest)};
}

int ThreadsPerReplica(std::int64_t threads, int cores, int replicas) {
  if (threads > 0) return static_cast<int>(threads);
  return std::max(1, cores / std::max(1, replicas));
}

}  // namespace millrace
