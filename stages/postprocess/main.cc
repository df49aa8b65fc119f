// millrace-postprocess: writes masks and masked pictures.
#include "common/stage/worker.h"
#include "stages/postprocess/options.h"
#include "stages/postprocess/postprocess_stage.h"

int main(int argc, char** argv) {
  return millrace::RunWorker(argc, argv,
                             {.executable = "millrace-postprocess",
                              .options = millrace::PostprocessOptions(),
                              .make = millrace::MakePostprocessStage});
}
