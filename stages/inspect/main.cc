// millrace-inspect: reads an item's file and says whether its pictures are whole.
#include "common/stage/worker.h"
#include "stages/inspect/inspect_stage.h"
#include "stages/inspect/options.h"

int main(int argc, char** argv) {
  return millrace::RunWorker(argc, argv,
                             {.executable = "millrace-inspect",
                              .options = millrace::InspectStageOptions(),
                              .make = millrace::MakeInspectStage});
}
