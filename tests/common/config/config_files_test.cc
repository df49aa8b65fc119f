// Every file of config/ is right, with the options of the real stages where they are built.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/config/dump.h"
#include "common/config/load.h"
#include "common/config/topology_schema.h"
#ifdef MILLRACE_HAS_SCANNER_OPTIONS
#include "stages/scanner/options.h"
#endif
#ifdef MILLRACE_HAS_PREPROCESS_OPTIONS
#include "stages/preprocess/options.h"
#endif
#ifdef MILLRACE_HAS_INFERENCE_OPTIONS
#include "stages/inference/options.h"
#endif
#ifdef MILLRACE_HAS_POSTPROCESS_OPTIONS
#include "stages/postprocess/options.h"
#endif

namespace millrace {
namespace {

std::map<std::string, OptionSchema, std::less<>> StageSchemas() {
  std::map<std::string, OptionSchema, std::less<>> schemas;
#ifdef MILLRACE_HAS_SCANNER_OPTIONS
  schemas["scanner"] = ScannerOptions();
#endif
#ifdef MILLRACE_HAS_PREPROCESS_OPTIONS
  schemas["preprocess"] = PreprocessOptions();
#endif
#ifdef MILLRACE_HAS_INFERENCE_OPTIONS
  schemas["inference"] = InferenceOptions();
#endif
#ifdef MILLRACE_HAS_POSTPROCESS_OPTIONS
  schemas["postprocess"] = PostprocessOptions();
#endif
  return schemas;
}

TEST_CASE("every topology in config/ loads, and loads again from its resolved form") {
  const auto schemas = StageSchemas();
  LoadContext context;
  context.schema = [&](std::string_view executable) -> const OptionSchema* {
    const auto found = schemas.find(executable);
    return found == schemas.end() ? nullptr : &found->second;
  };
  context.executables = {"scanner", "preprocess", "inference", "postprocess"};
  context.environment = [](const std::string&) { return std::nullopt; };
  context.core_count = 4;
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(MILLRACE_SOURCE_DIR "/config")) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path().string());
    ++files;
    auto topology = LoadTopology(entry.path().string(), context);
    if (!topology) FAIL_CHECK(topology.error().message);
    if (!topology) continue;
    CHECK(topology->stages.size() >= 2);
    auto again = ParseTopology(DumpTopology(*topology), topology->file, context);
    REQUIRE(again);
    for (StageConfig& stage : topology->stages) stage.replicas_auto = false;
    CHECK(*again == *topology);
  }
  CHECK(files >= 2);
}

TEST_CASE("config/README.md names every key of the file") {
  std::ifstream stream(MILLRACE_SOURCE_DIR "/config/README.md");
  std::stringstream text;
  text << stream.rdbuf();
  for (const OptionSchema& schema : {TopologyKeys(), ParameterKeys(), BrokerKeys(), StageKeys()}) {
    for (const OptionSpec& key : schema.specs()) {
      CAPTURE(key.name);
      CHECK(text.str().find("| `" + key.name + "` |") != std::string::npos);
      CHECK(!key.help.empty());
    }
  }
}

}  // namespace
}  // namespace millrace
