#include "common/config/dump.h"

#include <doctest/doctest.h>

#include "tests/common/config/test_schema.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

Topology Read(const std::string& text, const LoadContext& context, const std::string& path) {
  auto topology = ParseTopology(text, path, context);
  if (!topology) FAIL(ProblemsText(topology.error()) << "\n" << text);
  return *std::move(topology);
}

// Written, and read again elsewhere by somebody whose environment and machine are others.
Topology Again(const Topology& topology) {
  TestContext other;
  other.context.working_directory = "/elsewhere";
  other.context.core_count = 3;
  Topology again = Read(DumpTopology(topology), other.context, "/tmp/resolved.yaml");
  again.file = topology.file;
  return again;
}

TEST_CASE("a topology with everything set is read back equal from another folder") {
  TestContext test;
  test.context.environment = [](const std::string& name) { return name + " value"; };
  Topology topology = Read(
      "version: 1\n"
      "name: full\n"
      "parameters:\n"
      "  weights: {sets: inference.options.weights, help: \"a: 'file' # $${HOME}\"}\n"
      "  speed: {sets: mine.options.speed}\n"
      "broker: {host: 10.0.0.1, bind: \"*\", control: 1, reports: 2, feed: 3-90, state: s t,\n"
      "  max_sockets: 99, heartbeat: 31s, log_level: debug}\n"
      "stages:\n"
      "  - {name: scan, executable: scanner, replicas: auto}\n"
      "  - name: inference\n"
      "    replicas: 7\n"
      "    batch: {max: 8, delay: 10ms}\n"
      "    credit: 9\n"
      "    lease: 1500ms\n"
      "    stall: 2m\n"
      "    claim_deadline: 3s\n"
      "    timeout: 4s\n"
      "    backoff: 5ms\n"
      "    max_attempts: 6\n"
      "    drain_timeout: 7s\n"
      "    budget: 500MB\n"
      "    max_payload: 12345B\n"
      "    options: {model: bisenet, weights: \"w \\\"1\\\".pth\", size: {width: 64},\n"
      "      threads: 3, threshold: 1e-7, fast: true, cap: 3KiB, warm_up: 5s,\n"
      "      label: \"${X} $${Y} null\\n\\ttab \\x04 \\\\ \\u00e9\", keep: [],\n"
      "      globs: [\"*\", \"8\", \"null\", \"\", \"a, b\", \"-\", \"{}\", \"~\"]}\n"
      "  - {name: preprocess, sandbox: true}\n"
      "  - name: mine\n"
      "    executable: ./bin/mine\n"
      "    options: {a: \"8\", b: [1, x y, null, {}], \"c d\": {e: [[]]}, file: rel.txt}\n",
      test.context, "/etc/full.yaml");
  CHECK(topology.stages[1].options.Text("label") == "X value ${Y} null\n\ttab \x04 \\ \xc3\xa9");
  CHECK(topology.stages[0].replicas == 12);
  topology.stages[0].replicas_auto = false;
  const Topology again = Again(topology);
  CHECK(again.broker == topology.broker);
  CHECK(again.parameters == topology.parameters);
  for (std::size_t i = 0; i < topology.stages.size(); ++i) {
    CHECK(again.stages[i] == topology.stages[i]);
    CHECK(again.stages[i].options_yaml == topology.stages[i].options_yaml);
  }
  CHECK(again == topology);
  CHECK(DumpTopology(again) == DumpTopology(topology));
}

TEST_CASE("what `run` resolves for its children keeps the folder of sockets") {
  TestContext test;
  test.context.endpoint_dir = "/run/m";
  const Topology topology = Read(
      "version: 1\nname: t\nbroker: {host: broker}\nstages: [{name: scan, "
      "executable: scanner}]\n",
      test.context, "/etc/t.yaml");
  const Topology again = Again(topology);
  CHECK(again == topology);
  CHECK(again.broker.endpoint_dir == "/run/m");
  CHECK(again.broker.heartbeat == 2s);
}

TEST_CASE("relative paths that nobody resolved still start from the first file's folder") {
  TestContext test;
  const Topology topology =
      Read("version: 1\nname: t\nstages: [{name: mine, options: {weights: w.pth}}]\n", test.context,
           "/etc/t.yaml");
  // The stage's own process knows its schema.
  const OptionSchema schema = TestInferenceOptions();
  LoadContext own;
  own.schema = [&](std::string_view) { return &schema; };
  const Topology again = Read(DumpTopology(topology), own, "/tmp/resolved.yaml");
  CHECK(again.stages[0].options.Text("weights") == "/etc/w.pth");
}

TEST_CASE("names of files that are not UTF-8 are read back byte for byte") {
  TestContext test;
  test.context.sets = {"inference.options.weights=/p/caf\xe9 \xff.pth"};
  const Topology topology =
      Read("version: 1\nname: t\nstages: [{name: inference}]\n", test.context, "/etc/t.yaml");
  CHECK(topology.stages[0].options.Text("weights") == "/p/caf\xe9 \xff.pth");
  CHECK(Again(topology) == topology);
}

}  // namespace
}  // namespace millrace
