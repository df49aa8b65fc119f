// A stage's options for people: what each is for, what may stand there, and what stands there by
// default.
#pragma once

#include <string>
#include <string_view>

#include "common/config/options.h"

namespace millrace {

// As it is written in a topology: "64KiB", "true", "skin, nose"; "none" for an empty list.
std::string OptionValueText(const OptionSpec& spec, const OptionValue& value);

// "512", "none", or "required".
std::string OptionDefaultText(const OptionSpec& spec);

// An option to a paragraph, for --help: `prefix` and its name, then its help with, in brackets, the
// values that it may have, the default, and what `chosen` (nullptr: nothing) has instead.
std::string DescribeOptions(const OptionSchema& schema, std::string_view prefix,
                            const Options* chosen);

}  // namespace millrace
