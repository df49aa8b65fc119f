#include "cli/option_changes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/config/units.h"
#include "stages/builtin_options.h"

namespace millrace::cli {
namespace {

struct AsText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(Duration value) const { return FormatDuration(value); }
  std::string operator()(const std::vector<std::string>& value) const {
    return fmt::format("{}", fmt::join(value, ","));
  }
};

std::string TextOf(const OptionValue* value) {
  const std::string text = value == nullptr ? "" : std::visit(AsText(), *value);
  return text.empty() ? "none" : text;
}

}  // namespace

std::string DescribeOptionChanges(const Topology& before, const Topology& now) {
  std::string text;
  for (const StageConfig& stage : now.stages) {
    const auto was =
        std::find_if(before.stages.begin(), before.stages.end(), [&](const StageConfig& each) {
          return each.name == stage.name && each.executable == stage.executable;
        });
    const OptionSchema* schema = BuiltinSchema(stage.executable);
    if (was == before.stages.end() || schema == nullptr) continue;
    for (const OptionSpec& spec : schema->specs()) {
      const std::string value_before = TextOf(was->options.Find(spec.name));
      const std::string value = TextOf(stage.options.Find(spec.name));
      if (spec.in_recipe == InRecipe::kNever || value == value_before) continue;
      text += fmt::format("{}{}.options.{} was {}, is {}", text.empty() ? "" : "; ", stage.name,
                          spec.name, value_before, value);
    }
  }
  return text;
}

}  // namespace millrace::cli
