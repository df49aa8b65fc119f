// RunWorker: the main function of a stage's executable.
//
//   int main(int argc, char** argv) {
//     return millrace::RunWorker(argc, argv,
//                                {.executable = "millrace-preprocess",
//                                 .options = millrace::PreprocessOptions(),
//                                 .make = millrace::MakePreprocessStage});
//   }
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/config/options.h"
#include "common/stage/stage.h"

namespace millrace {

struct StageDefinition {
  std::string executable;  // "millrace-preprocess"
  OptionSchema options;
  std::function<std::unique_ptr<Stage>()> make;
};

// Reads the command line and the topology, starts the stage, joins the broker, and works until told
// to leave. Call it from main, before any thread: it takes over SIGINT, SIGTERM, SIGHUP, SIGUSR1,
// SIGUSR2 and SIGCHLD.
//
// Returns the exit status: 0 drained; 2 cannot start (said on stderr); 3 no broker for too long;
// 4 the handler did not return and only the process's end ends it; 5 the stage is broken
// (Stage::Broken; said on stderr); 128 + a signal by which somebody insisted
// (StopSignals). May not return at all (statuses
// as above): a handler that is stuck cannot be joined, and a broken stage is not destroyed.
int RunWorker(int argc, char** argv, const StageDefinition& definition);

}  // namespace millrace
