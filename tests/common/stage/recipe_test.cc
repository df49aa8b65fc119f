#include "common/stage/recipe.h"

#include <doctest/doctest.h>

#include <vector>

#include "common/base/sha256.h"

namespace millrace {
namespace {

OptionSchema Schema() {
  OptionSchema schema;
  schema
      .Add({.name = "size",
            .type = OptionType::kInteger,
            .default_value = std::int64_t{512},
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "keep",
            .type = OptionType::kList,
            .default_value = std::vector<std::string>{"skin", "nose"},
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "pause",
            .type = OptionType::kDuration,
            .default_value = Duration(std::chrono::seconds(1)),
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "label", .type = OptionType::kText, .in_recipe = InRecipe::kAlways})
      .Add({.name = "device", .type = OptionType::kText, .in_recipe = InRecipe::kNever})
      .Add({.name = "later",
            .type = OptionType::kChoice,
            .default_value = std::string("off"),
            .choices = {"off", "on"}})
      .Add({.name = "later_label", .type = OptionType::kText});
  return schema;
}

std::string TextWith(const std::string& name, OptionValue value) {
  Options options = Options::Defaults(Schema());
  options.Set(name, std::move(value));
  return RecipeText("millrace-test", Schema(), options);
}

TEST_CASE("a recipe's text is fixed: written otherwise, everything would be done again") {
  CHECK(RecipeText("millrace-test", Schema(), Options::Defaults(Schema())) ==
        "13:millrace-test\n"
        "keep=12:4:skin4:nose\n"
        "label\n"
        "pause=10:1000000000\n"
        "size=3:512\n");
  CHECK(Hex(RecipeDigest("a", "bc").value()) == Hex(Sha256("a2:bc").value()));
  CHECK(RecipeDigest("a", "")->size() == 32);
}

TEST_CASE("an option that shapes results changes the recipe, and no other does") {
  const std::string plain = RecipeText("millrace-test", Schema(), Options::Defaults(Schema()));
  CHECK(TextWith("size", std::int64_t{513}) != plain);
  CHECK(TextWith("label", std::string()) != plain);
  CHECK(TextWith("size", std::int64_t{512}) == plain);  // the default, written out
  CHECK(TextWith("device", std::string("cuda")) == plain);
}

TEST_CASE("an option that was added later changes no recipe while it has its default") {
  const std::string plain = RecipeText("millrace-test", Schema(), Options::Defaults(Schema()));
  CHECK(TextWith("later", std::string("off")) == plain);
  CHECK(TextWith("later", std::string("on")) ==
        "13:millrace-test\n"
        "keep=12:4:skin4:nose\n"
        "label\n"
        "later=2:on\n"
        "pause=10:1000000000\n"
        "size=3:512\n");
  CHECK(TextWith("later_label", std::string()) != plain);
}

TEST_CASE("where the executable lies does not matter, which one it is does") {
  const Options options = Options::Defaults(Schema());
  CHECK(RecipeText("/opt/bin/millrace-test", Schema(), options) ==
        RecipeText("millrace-test", Schema(), options));
  CHECK(RecipeText("millrace-other", Schema(), options) !=
        RecipeText("millrace-test", Schema(), options));
}

TEST_CASE("no value can be written so that it passes for two") {
  using List = std::vector<std::string>;
  CHECK(TextWith("keep", List{"a", "b"}) != TextWith("keep", List{"a1:b"}));
  CHECK(TextWith("label", std::string("x\npause=1:0")) != TextWith("label", std::string("x")));
  CHECK(*RecipeDigest("a", "b") != *RecipeDigest("ab", ""));
}

}  // namespace
}  // namespace millrace
