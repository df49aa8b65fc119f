// millrace-scanner: finds the images of a run's input, a chunk at a time.
#include "common/stage/worker.h"
#include "stages/scanner/options.h"
#include "stages/scanner/scanner_stage.h"

int main(int argc, char** argv) {
  return millrace::RunWorker(argc, argv,
                             {.executable = "millrace-scanner",
                              .options = millrace::ScannerOptions(),
                              .make = millrace::MakeScannerStage});
}
