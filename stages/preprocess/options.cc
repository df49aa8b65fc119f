#include "stages/preprocess/options.h"

namespace millrace {

OptionSchema PreprocessOptions() {
  OptionSchema schema;
  schema
      .Add({.name = "size.width",
            .type = OptionType::kInteger,
            .help = "Width in pixels that every picture is resized to.",
            .default_value = std::int64_t{512},
            .min = 1,
            .max = 8192,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "size.height",
            .type = OptionType::kInteger,
            .help = "Height in pixels that every picture is resized to.",
            .default_value = std::int64_t{512},
            .min = 1,
            .max = 8192,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "truncated",
            .type = OptionType::kChoice,
            .help = "What to do with a file that is cut short: accept what there is of it, with a "
                    "warning, or fail.",
            .default_value = "accept",
            .choices = {"accept", "fail"},
            .in_recipe = InRecipe::kAlways})
      .Add(
          {.name = "orientation",
           .type = OptionType::kChoice,
           .help =
               "The orientation that a file gives its picture: keep the pixels as they are stored, "
               "or apply it.",
           .default_value = "keep",
           .choices = {"keep", "apply"},
           .in_recipe = InRecipe::kAlways})
      .Add({.name = "pillow_order",
            .type = OptionType::kChoice,
            .help = "Order of the resize's two passes: that of Pillow 13, or that of the older "
                    "versions; they differ by 1 in some pixels of tall pictures.",
            .default_value = "13",
            .choices = {"13", "older"},
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "max_pixels",
            .type = OptionType::kInteger,
            .help = "A picture of more pixels fails as too-large before it is decoded.",
            .default_value = std::int64_t{256'000'000},
            .min = 1,
            .max = 1'000'000'000,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "max_side",
            .type = OptionType::kInteger,
            .help = "A picture wider or higher than this fails as too-large before it is decoded.",
            .default_value = std::int64_t{65536},
            .min = 1,
            .max = 1'000'000,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "max_bytes",
            .type = OptionType::kBytes,
            .help = "A larger file fails as too-large before it is read.",
            .default_value = std::int64_t{1} << 30,
            .min = 1,
            .max = 2147483647,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "original",
            .type = OptionType::kBool,
            .help = "Also hand the full picture on, for postprocess with `size: original`.",
            .default_value = false,
            .in_recipe = InRecipe::kAlways});
  schema.AllowSandbox();
  return schema;
}

}  // namespace millrace
