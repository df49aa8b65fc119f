// millrace-preprocess: reads an item's file and resizes its picture as Pillow does.
#include "common/stage/worker.h"
#include "stages/preprocess/options.h"
#include "stages/preprocess/preprocess_stage.h"

int main(int argc, char** argv) {
  return millrace::RunWorker(argc, argv,
                             {.executable = "millrace-preprocess",
                              .options = millrace::PreprocessOptions(),
                              .make = millrace::MakePreprocessStage});
}
