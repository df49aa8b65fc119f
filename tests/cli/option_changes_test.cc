#include "cli/option_changes.h"

#include <doctest/doctest.h>

#include "stages/builtin_options.h"

namespace millrace::cli {
namespace {

Topology WithPreprocess() {
  Topology topology;
  StageConfig stage;
  stage.name = "first";
  stage.executable = "preprocess";
  stage.options = Options::Defaults(*BuiltinSchema("preprocess"));
  topology.stages.push_back(stage);
  stage.name = "last";
  stage.executable = "postprocess";
  stage.options = Options::Defaults(*BuiltinSchema("postprocess"));
  topology.stages.push_back(stage);
  return topology;
}

TEST_CASE("options that differ are told with what they were and what they are") {
  const Topology before = WithPreprocess();
  CHECK(DescribeOptionChanges(before, before).empty());
  Topology now = before;
  now.stages[0].options.Set("size.width", std::int64_t{256});
  now.stages[1].options.Set("keep", std::vector<std::string>{"hair", "hat"});
  CHECK(DescribeOptionChanges(before, now) ==
        "first.options.size.width was 512, is 256; last.options.keep was "
        "skin,l_brow,r_brow,nose,u_lip,l_lip, is hair,hat");
}

TEST_CASE("an option on which no result depends, and a stage that was not there, are not told") {
  const Topology before = WithPreprocess();
  Topology now = before;
  now.stages[1].options.Set("durability", std::string("none"));
  now.stages[0].name = "other";
  now.stages[0].options.Set("size.width", std::int64_t{256});
  CHECK(DescribeOptionChanges(before, now).empty());
}

}  // namespace
}  // namespace millrace::cli
