// A stage executable's command line, and what it and the topology make of a worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/topology.h"
#include "common/stage/worker.h"
#include "common/stage/worker_loop.h"

namespace millrace {

struct WorkerArguments {
  std::string topology;
  std::string stage;
  int replica = 0;
  std::vector<std::string> sets;
  std::string control;    // replaces the topology's address; "" otherwise
  std::string log_level;  // "": the environment's or the topology's
  double give_up_seconds = 600;
};

struct WorkerSetup {
  WorkerConfig config;
  StageContext context;  // all but the log
  std::string log_level;
};

// Whether somebody restarts this process, and tells the broker of its end (MILLRACE_SUPERVISED).
bool IsSupervised();

// nullopt: --help or --version was answered on stdout. kUsage otherwise where it is wrong.
Result<std::optional<WorkerArguments>> ParseWorkerArguments(int argc, char** argv,
                                                            const StageDefinition& definition);

// Reads the topology, and checks the stage's options against the definition's schema.
Result<WorkerSetup> MakeWorkerSetup(const WorkerArguments& arguments,
                                    const StageDefinition& definition);

// What to tell the broker of a worker that cannot start, and where. The topology's options, and the
// files that they name, may be what is wrong.
struct FailedStart {
  net::Endpoint control;
  wire::Exit exit;
};
Result<FailedStart> MakeFailedStart(const WorkerArguments& arguments, const Error& error);

}  // namespace millrace
