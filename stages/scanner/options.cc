#include "stages/scanner/options.h"

namespace millrace {

OptionSchema ScannerOptions() {
  OptionSchema schema;
  schema.Add({.name = "chunk",
              .type = OptionType::kInteger,
              .help = "Items that one scan job reports at most; the next job goes on behind them.",
              .default_value = std::int64_t{1000},
              .min = 1,
              .max = 50'000,
              .in_recipe = InRecipe::kNever});
  return schema;
}

}  // namespace millrace
