// The model that an inference stage's options ask for.
#pragma once

#include <memory>

#include "common/stage/stage.h"
#include "stages/inference/inference_stage.h"

namespace millrace {

// skin-tone in this process; the others through libmillrace-torch.so beside the executable.
// Its ingredients are its name and the SHA-256 of its file, or the version of skin-tone's rule.
Result<MadeModel> CreateModel(const StageContext& context);

// `threads` of the options; where it is 0, the cores shared by the replicas, at least 1.
int ThreadsPerReplica(std::int64_t threads, int cores, int replicas);

}  // namespace millrace
