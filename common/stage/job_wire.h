// Jobs as they arrive → jobs as a stage sees them.
#pragma once

#include <memory>

#include "common/base/result.h"
#include "common/stage/stage.h"
#include "common/wire/messages.h"

namespace millrace {

// kProtocol where the run's options are no Meta.
Result<std::shared_ptr<const RunInfo>> ToRunInfo(wire::RunSpec spec);

// Moves the payload; kProtocol where the job's meta is no Meta: that job's fault alone.
Result<Job> ToJob(wire::JobSpec spec, std::shared_ptr<const RunInfo> run);

}  // namespace millrace
