// What `millrace run` leaves in OUTPUT/.millrace for `millrace retry`: the pipeline as it was, and
// the folders it worked on.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/config/topology.h"

namespace millrace::cli {

// OUTPUT/.millrace/run.json: one JSON object of these members and `version`, all of them strings;
// paths as in failed.jsonl.
struct PipelineRecord {
  std::string input;     // absolute
  std::string output;    // absolute
  std::string topology;  // the file, with nothing left to be resolved (common/config/dump.h)
  std::string was;       // of one that was read: where OUTPUT lay when it was written
};

// The record of a run. What holds for one start of the pipeline alone, the folder of its sockets,
// is left out.
PipelineRecord RecordOf(Topology topology, std::string input, std::string output);

// Replaces the record in `record.output`.
Result<void> WritePipelineRecord(const PipelineRecord& record);

// The record of OUTPUT, an absolute path, wherever it lay when that was written. kNotFound where
// there is none.
Result<PipelineRecord> ReadPipelineRecord(const std::string& output);

}  // namespace millrace::cli
