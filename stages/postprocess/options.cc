#include "stages/postprocess/options.h"

#include <string>
#include <vector>

#include "stages/postprocess/classes.h"

namespace millrace {

OptionSchema PostprocessOptions() {
  using List = std::vector<std::string>;
  OptionSchema schema;
  schema.Add({.name = "keep",
              .type = OptionType::kList,
              .help = "Classes that stay in the picture; everything else becomes black. class-N, "
                      "N from 0 to 255, is the class of that number, for models with classes of "
                      "their own.",
              .default_value = List{"skin", "l_brow", "r_brow", "nose", "u_lip", "l_lip"},
              .choices = {kClassNames.begin(), kClassNames.end()},
              .unlisted_choices = NumberedClassNames(),
              .in_recipe = InRecipe::kAlways});
  schema.Add({.name = "what",
              .type = OptionType::kList,
              .help = "What is written of each image: the masked picture, the mask (0 or 255), the "
                      "labels (indexed PNG), the picture with the classes in colour.",
              .default_value = List{"masked"},
              .choices = {"masked", "mask", "labels", "overlay"},
              .in_recipe = InRecipe::kAlways});
  schema.Add({.name = "format",
              .type = OptionType::kChoice,
              .help = "The format of masked and overlay pictures: the input's, or one for all, "
                      "whose suffix is then appended to every name. Masks and labels are PNG.",
              .default_value = std::string("same"),
              .choices = {"same", "png", "jpg", "webp"},
              .in_recipe = InRecipe::kAlways});
  schema.Add({.name = "quality",
              .type = OptionType::kInteger,
              .help = "Quality of JPEG and WebP files.",
              .default_value = std::int64_t{75},
              .min = 1,
              .max = 100,
              .in_recipe = InRecipe::kAlways});
  schema.Add({.name = "size",
              .type = OptionType::kChoice,
              .help = "Pixels of what is written: those the model saw, or the input's own (which "
                      "needs preprocess.options.original: true).",
              .default_value = std::string("model"),
              .choices = {"model", "original"},
              .in_recipe = InRecipe::kAlways});
  schema.Add({.name = "areas",
              .type = OptionType::kBool,
              .help = "Whether the pixels of each class are counted, one line an image in "
                      "OUTPUT/.millrace/areas.jsonl.",
              .default_value = false,
              .in_recipe = InRecipe::kAlways});
  schema.Add({.name = "durability",
              .type = OptionType::kChoice,
              .help = "When outputs are safe from a power cut: before an item is done, each synced "
                      "by itself or the items of a batch together; or when the system writes them.",
              .default_value = std::string("group"),
              .choices = {"item", "group", "none"},
              .in_recipe = InRecipe::kNever});
  return schema;
}

}  // namespace millrace
