// millrace-inference: the class of each pixel of a picture, by a model.
#include "common/stage/worker.h"
#include "stages/inference/inference_stage.h"
#include "stages/inference/options.h"

int main(int argc, char** argv) {
  return millrace::RunWorker(argc, argv,
                             {.executable = "millrace-inference",
                              .options = millrace::InferenceOptions(),
                              .make = millrace::MakeInferenceStage});
}
