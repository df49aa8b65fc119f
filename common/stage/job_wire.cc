#include "common/stage/job_wire.h"

#include <utility>

#include "common/base/path_below.h"
#include "common/wire/paths.h"

namespace millrace {

Result<std::shared_ptr<const RunInfo>> ToRunInfo(wire::RunSpec spec) {
  if (!IsAbsolutePath(spec.input) || (!spec.output.empty() && !IsAbsolutePath(spec.output))) {
    return Fail(ErrorCode::kProtocol, "the run's input or output is not an absolute path");
  }
  auto options = Meta::Decode(spec.options);
  if (!options) return Fail(options.error().WithContext("the run's options"));
  return std::make_shared<const RunInfo>(RunInfo{.id = spec.run,
                                                 .input = std::move(spec.input),
                                                 .output = std::move(spec.output),
                                                 .options = std::move(*options)});
}

Result<Job> ToJob(wire::JobSpec spec, std::shared_ptr<const RunInfo> run) {
  if (!spec.key.empty() && !IsPathBelow(spec.key)) {
    return Fail(ErrorCode::kProtocol, wire::NoKey(spec.key));
  }
  auto meta = Meta::Decode(spec.meta);
  if (!meta) return Fail(meta.error().WithContext("the job's meta"));
  return Job{.id = spec.lease.job,
             .run = std::move(run),
             .key = std::move(spec.key),
             .cursor = std::move(spec.cursor),
             .meta = std::move(*meta),
             .payload = std::move(spec.payload),
             .attempt = static_cast<int>(spec.attempt)};
}

}  // namespace millrace
