// The options of the preprocess stage; no decoder is linked, so that `validate` may use it.
#pragma once

#include "common/config/options.h"

namespace millrace {

OptionSchema PreprocessOptions();

}  // namespace millrace
