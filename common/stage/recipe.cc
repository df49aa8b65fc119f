#include "common/stage/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "common/base/sha256.h"

namespace millrace {
namespace {

// With its length before it, so that no text can pass for two.
std::string Framed(std::string_view text) {
  std::string framed = std::to_string(text.size()) + ":";
  framed += text;
  return framed;
}

std::string ValueText(const OptionValue& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return held;
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          std::string list;
          for (const std::string& text : held) list += Framed(text);
          return list;
        } else if constexpr (std::is_same_v<T, Duration>) {
          return std::to_string(held.count());
        } else {
          return fmt::format("{}", held);
        }
      },
      value);
}

}  // namespace

std::string RecipeText(std::string_view executable, const OptionSchema& schema,
                       const Options& options) {
  std::vector<const OptionSpec*> specs;
  for (const OptionSpec& spec : schema.specs()) {
    const OptionValue* value = options.Find(spec.name);
    const bool is_default =
        value == nullptr || (spec.default_value && *value == *spec.default_value);
    if (spec.in_recipe == InRecipe::kAlways ||
        (spec.in_recipe == InRecipe::kUnlessDefault && !is_default)) {
      specs.push_back(&spec);
    }
  }
  // In the order of their names: that of their declaration may change.
  std::ranges::sort(specs, {}, &OptionSpec::name);
  std::string text = Framed(executable.substr(executable.rfind('/') + 1)) + "\n";
  for (const OptionSpec* spec : specs) {
    text += spec->name;
    if (const OptionValue* value = options.Find(spec->name)) {
      text += "=" + Framed(ValueText(*value));
    }
    text += "\n";
  }
  return text;
}

Result<std::string> RecipeDigest(const std::string& recipe_text, std::string_view ingredients) {
  return Sha256(recipe_text + Framed(ingredients));
}

}  // namespace millrace
