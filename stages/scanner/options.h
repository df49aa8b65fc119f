// The scanner's options in the topology file. What belongs to one run (filters, lists) is in
// run_options.h.
#pragma once

#include "common/config/options.h"

namespace millrace {

//   chunk: 1000          # items a scan job reports at most (1 to 50,000)
OptionSchema ScannerOptions();

}  // namespace millrace
