#include "stages/builtin_options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "common/config/describe_options.h"
#include "common/config/load.h"

namespace millrace {
namespace {

std::string ProblemsOf(const std::string& stages) {
  LoadContext context;
  context.schema = BuiltinSchema;
  context.executables = BuiltinExecutables();
  context.check_options = CheckBuiltinOptions;
  const auto topology =
      ParseTopology("version: 1\nname: t\nstages:\n" + stages, "/etc/t.yaml", context);
  return topology ? "" : ProblemsText(topology.error());
}

TEST_CASE("the stages that come with millrace are known, others are not") {
  for (const std::string& name : BuiltinExecutables()) {
    CAPTURE(name);
    REQUIRE(BuiltinSchema(name) != nullptr);
    CHECK(!BuiltinSchema(name)->specs().empty());
    for (const OptionSpec& spec : BuiltinSchema(name)->specs()) {
      CAPTURE(spec.name);
      CHECK(!spec.help.empty());
      CHECK((spec.type == OptionType::kChoice) ==
            (spec.type != OptionType::kList && !spec.choices.empty()));
    }
  }
  CHECK(BuiltinSchema("scanner") != BuiltinSchema("inference"));
  CHECK(BuiltinSchema("/usr/bin/scanner") == nullptr);
  CHECK(BuiltinSchema("") == nullptr);
}

TEST_CASE("what only says where or how fast is no reason to do an item again") {
  std::vector<std::string> shapeless;
  for (const std::string& name : BuiltinExecutables()) {
    for (const OptionSpec& spec : BuiltinSchema(name)->specs()) {
      if (spec.in_recipe == InRecipe::kNever) shapeless.push_back(name + "." + spec.name);
    }
  }
  std::ranges::sort(shapeless);
  CHECK(shapeless == std::vector<std::string>{"inference.device", "inference.threads",
                                              "inference.weights", "inspect.readers",
                                              "postprocess.durability", "scanner.chunk"});
}

// Of each row of the table under "### `executable`": "name = default".
std::vector<std::string> DocumentedOptions(const std::string& executable) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/config/README.md");
  std::vector<std::string> rows;
  std::string line;
  while (std::getline(file, line) && line != "### `" + executable + "`") continue;
  while (std::getline(file, line) && !line.starts_with("#")) {
    if (!line.starts_with("| `")) continue;
    const std::size_t name_end = line.find("` | ", 3);
    const std::size_t default_end = line.find(" | ", name_end + 4);
    rows.push_back(line.substr(3, name_end - 3) + " = " +
                   line.substr(name_end + 4, default_end - name_end - 4));
  }
  return rows;
}

TEST_CASE("config/README.md tells every option of every stage, and its default") {
  for (const std::string& name : BuiltinExecutables()) {
    std::vector<std::string> options;
    for (const OptionSpec& spec : BuiltinSchema(name)->specs()) {
      options.push_back(spec.name + " = " + OptionDefaultText(spec));
    }
    CAPTURE(name);
    CHECK(DocumentedOptions(name) == options);
  }
}

TEST_CASE("a mistyped option of a real stage is named with its line and the nearest one") {
  CHECK(ProblemsOf("  - {name: inference, options: {model: skin-tone,\n"
                   "      devise: cpu}}\n") ==
        "/etc/t.yaml:5:7: inference.options.devise: unknown key; did you mean \"device\"?");
}

TEST_CASE("a limit of readers that is none is placed and cured") {
  CHECK(ProblemsOf("  - {name: inspect, options: {readers: [/mnt/photos=1, /data=8]}}\n").empty());
  const std::string wrong = ProblemsOf("  - {name: inspect, options: {readers: photos=1}}\n");
  CHECK(wrong.find("inspect.options.readers") != std::string::npos);
  CHECK(wrong.find("write /mnt/photos=1") != std::string::npos);
}

TEST_CASE("weights that a model needs and that are not there are placed and cured") {
  const std::string none = ProblemsOf("  - {name: inference}\n");
  CHECK(none.starts_with("/etc/t.yaml:4:5: inference.options.weights: "));
  const std::string missing = ProblemsOf(
      "  - name: inference\n"
      "    options:\n"
      "      weights: /nowhere/w.pth\n");
  CHECK(missing.starts_with("/etc/t.yaml:6:16: inference.options.weights: "));
  CHECK(missing.find("/nowhere/w.pth") != std::string::npos);
  CHECK(missing.find("; `millrace model fetch bisenet-face`") != std::string::npos);
  CHECK(ProblemsOf("  - {name: inference, options: {model: skin-tone}}\n").empty());
}

TEST_CASE("a device that is none is placed at the device") {
  CHECK(ProblemsOf("  - {name: inference, options: {model: skin-tone, device: gpu}}\n")
            .starts_with("/etc/t.yaml:4:59: inference.options.device: "));
}

TEST_CASE("classes to keep are named, or numbered where a model has its own") {
  const auto keep = [](const std::string& list) {
    return ProblemsOf("  - {name: postprocess, options: {keep: [" + list + "]}}\n");
  };
  CHECK(keep("skin, class-0, class-19, class-255").empty());
  for (const char* none : {"class-256", "class-01", "class-x"}) {
    CHECK(keep(none).find("none of the values known") != std::string::npos);
  }
  CHECK(keep("skim").find("did you mean \"skin\"?") != std::string::npos);
  CHECK(keep("skim").find("class-7") == std::string::npos);  // the 256 are not listed
}

TEST_CASE("the original size needs the original picture") {
  const std::string postprocess = "  - {name: postprocess, options: {size: original}}\n";
  CHECK(ProblemsOf("  - {name: preprocess}\n" + postprocess) ==
        "/etc/t.yaml:5:41: postprocess.options.size: the full picture does not come this far; set "
        "preprocess.options.original to true, or write size: model");
  CHECK(ProblemsOf("  - {name: preprocess, options: {original: true}}\n" + postprocess).empty());
}

}  // namespace
}  // namespace millrace
