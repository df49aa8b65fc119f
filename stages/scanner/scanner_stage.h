// The scanner: a scan job (a run and a cursor) in, at most `chunk` items and the next cursor out.
//
// Each item of RunInfo.input that goes on carries "bytes" and "mtime_ns" (classify.h), or "bytes"
// and "checksum" (checksum.h) where the run asks for it: by them a later run knows that it is
// unchanged, and that asks for no file to be opened, unless images are to be counted or read. The
// filters of the run are in RunInfo.options (run_options.h). The stage keeps the place of the runs
// it scanned last, so that the next chunk reads no directory again; a chunk whose place it does not
// have (a restart, another replica, a repeated job) is found from the cursor.
#pragma once

#include <memory>

#include "common/stage/stage.h"

namespace millrace {

std::unique_ptr<Stage> MakeScannerStage();

}  // namespace millrace
