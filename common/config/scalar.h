// One written value to one value of an option's type, strictly: a number is decimal without leading
// zero, sign or separator, a boolean is true or false, a size and a duration carry their unit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/node.h"
#include "common/config/options.h"

namespace millrace {

// What is wrong with a value and what to do.
struct Refusal {
  std::string what;
  std::string cure;
};

// `value` is not null.
tl::expected<OptionValue, Refusal> ReadValue(const OptionSpec& spec, const ConfigNode& value);

// The text that ReadValue reads back (of kList's elements, kText and kPath: the text itself).
std::string ValueText(OptionType type, const OptionValue& value);

// "number from 1 to 65535", "true or false": what a spec asks for.
std::string Expected(const OptionSpec& spec);

}  // namespace millrace
