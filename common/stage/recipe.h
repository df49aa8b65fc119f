// What shapes a worker's results beside their input, as one digest: wire::Hello.recipe.
//
// Two workers of one recipe give the same results for the same input; where the recipe of a stage
// changes, its items are done again. So it holds what the results depend on (the executable, the
// options that shape them, the stage's own Ingredients) and nothing else: not how fast, how many or
// where.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/options.h"

namespace millrace {

// The part that is known before the stage has started, as text of one form only. `executable` may
// be a path: its last component counts. OptionSpec::in_recipe says which options count.
std::string RecipeText(std::string_view executable, const OptionSchema& schema,
                       const Options& options);

// 32 bytes: SHA-256 over RecipeText and what Stage::Ingredients says.
Result<std::string> RecipeDigest(const std::string& recipe_text, std::string_view ingredients);

}  // namespace millrace
