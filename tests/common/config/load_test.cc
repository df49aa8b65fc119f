#include "common/config/load.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/common/config/test_schema.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

const std::string kSmall =
    "version: 1\n"
    "name: small\n"
    "parameters: {weights: {sets: inference.options.weights, help: a file}}\n"
    "stages:\n"
    "  - {name: scan, executable: scanner}\n"
    "  - {name: inference, executable: inference}\n";

Topology Load(const std::string& text, const LoadContext& context) {
  auto topology = ParseTopology(text, "/etc/pipes/small.yaml", context);
  if (!topology) FAIL(ProblemsText(topology.error()));
  return *std::move(topology);
}

std::string ProblemsOf(const std::string& text, const LoadContext& context) {
  const auto topology = ParseTopology(text, "/etc/pipes/small.yaml", context);
  return topology ? "" : ProblemsText(topology.error());
}

TEST_CASE("a short file gets every default") {
  const TestContext test;
  const Topology topology = Load(kSmall, test.context);
  CHECK(topology.name == "small");
  CHECK(topology.relative_to == "/etc/pipes");
  REQUIRE(topology.parameters.size() == 1);
  CHECK(topology.parameters[0] == Parameter{"weights", "inference.options.weights", "a file"});
  CHECK(topology.broker.host == "127.0.0.1");
  CHECK(topology.broker.bind == "127.0.0.1");
  CHECK(topology.broker.feed_first == 7720);
  CHECK(topology.broker.feed_last == 8719);
  CHECK(topology.broker.state == "/etc/pipes/state");
  CHECK(topology.broker.heartbeat == 2s);
  CHECK(topology.broker.log_level == "info");
  REQUIRE(topology.stages.size() == 2);
  const StageConfig& stage = topology.stages[1];
  CHECK(&stage == topology.FindStage("inference"));
  CHECK(stage.replicas == 1);
  CHECK(stage.batch_max == 1);
  CHECK(stage.batch_delay == 0s);
  CHECK(stage.credit == 2);
  CHECK(stage.lease == 30s);
  CHECK(stage.stall == 5min);
  CHECK(stage.claim_deadline == 1s);
  CHECK(stage.timeout == 0s);
  CHECK(stage.backoff == 200ms);
  CHECK(stage.max_attempts == 3);
  CHECK(stage.drain_timeout == 30s);
  CHECK(stage.budget == 256 << 20);
  CHECK(stage.max_payload == 64 << 20);
  CHECK_FALSE(stage.sandbox);
  CHECK(stage.options_checked);
  CHECK(stage.options == Options::Defaults(TestInferenceOptions()));
}

TEST_CASE("the defaults of StageConfig and BrokerConfig are those of the keys") {
  const TestContext test;
  const Topology topology = Load(kSmall, test.context);
  StageConfig stage;
  stage.name = "scan";
  stage.executable = "scanner";
  stage.options_checked = true;
  CHECK(topology.stages[0] == stage);
  BrokerConfig broker;
  broker.state = "/etc/pipes/state";
  CHECK(topology.broker == broker);
}

TEST_CASE("credit and claim deadline follow the batch") {
  const TestContext test;
  const Topology topology =
      Load("version: 1\nname: t\nstages: [{name: inference, batch: {max: 8, delay: 1s}}]\n",
           test.context);
  CHECK(topology.stages[0].credit == 16);
  CHECK(topology.stages[0].claim_deadline == 4s);
}

TEST_CASE("auto is the core count it is told, and stays known as auto") {
  const TestContext test;
  const Topology topology =
      Load("version: 1\nname: t\nstages: [{name: inference, replicas: auto}]\n", test.context);
  CHECK(topology.stages[0].replicas == 12);
  CHECK(topology.stages[0].replicas_auto);
}

TEST_CASE("options come out as their types") {
  const TestContext test;
  const Topology topology = Load(
      "version: 1\nname: t\nstages:\n"
      "  - name: inference\n"
      "    options: {model: bisenet, weights: ../w.pth, size: {width: 64}, threads: 3,\n"
      "      threshold: 0.25, fast: true, cap: 3KiB, warm_up: 5s, label: \"010\",\n"
      "      keep: [nose, hair], globs: one}\n",
      test.context);
  const Options& options = topology.stages[0].options;
  CHECK(options.Text("model") == "bisenet");
  CHECK(options.Text("weights") == "/etc/w.pth");
  CHECK(options.Integer("size.width") == 64);
  CHECK(options.Integer("size.height") == 512);
  CHECK(options.Integer("threads") == 3);
  CHECK(options.Number("threshold") == 0.25);
  CHECK(options.Bool("fast"));
  CHECK(options.Bytes("cap") == 3072);
  CHECK(options.Time("warm_up") == 5s);
  CHECK(options.Text("label") == "010");
  CHECK(options.List("keep") == std::vector<std::string>{"nose", "hair"});
  CHECK(options.List("globs") == std::vector<std::string>{"one"});
}

TEST_CASE("--set reaches options, stages and the broker, the last one wins") {
  TestContext test;
  test.context.sets = {"inference.options.size.width=7",
                       "inference.replicas=2",
                       "inference.replicas=3",
                       "inference.options.keep=nose, hair",
                       "inference.batch.max=4",
                       "broker.bind=*",
                       "broker.control=1234",
                       "inference.options.globs=[\"a,b\", c]",
                       "inference.options.label="};
  const Topology topology = Load(kSmall, test.context);
  const StageConfig& stage = topology.stages[1];
  CHECK(stage.options.Integer("size.width") == 7);
  CHECK(stage.replicas == 3);
  CHECK(stage.batch_max == 4);
  CHECK(stage.credit == 8);
  CHECK(topology.broker.bind == "*");
  CHECK(topology.broker.control_port == 1234);
  CHECK(stage.options.List("keep") == std::vector<std::string>{"nose", "hair"});
  CHECK(stage.options.List("globs") == std::vector<std::string>{"a,b", "c"});
  CHECK(stage.options.Text("label").empty());
}

TEST_CASE("paths start from the file, and on the command line from the working directory") {
  TestContext test;
  CHECK(Load("version: 1\nname: t\nstages: [{name: inference, options: {weights: w.pth}}]\n",
             test.context)
            .stages[0]
            .options.Text("weights") == "/etc/pipes/w.pth");
  test.context.sets = {"inference.options.weights=sub/../w.pth"};
  CHECK(Load(kSmall, test.context).stages[1].options.Text("weights") == "/cwd/w.pth");
  test.context.sets = {};
  test.context.parameters = {{"weights", "w.pth"}};
  CHECK(Load(kSmall, test.context).stages[1].options.Text("weights") == "/cwd/w.pth");
  test.context.parameters = {{"weights", "/abs.pth"}};
  CHECK(Load(kSmall, test.context).stages[1].options.Text("weights") == "/abs.pth");
  test.context.parameters = {};
  test.context.sets = {"scan.executable=./mine"};
  CHECK(Load(kSmall, test.context).stages[0].executable == "/cwd/mine");
  test.context.working_directory = "";
  CHECK(Load(kSmall, test.context).stages[0].executable ==
        (std::filesystem::current_path() / "mine").string());
}

TEST_CASE("a wrong value of the command line is named by its option") {
  TestContext test;
  test.context.sets = {"inference.replcas=4"};
  CHECK(ProblemsOf(kSmall, test.context) ==
        "--set inference.replcas=4: inference.replcas: unknown key; did you mean \"replicas\"?");
  test.context.sets = {"inferense.replicas=4"};
  CHECK(ProblemsOf(kSmall, test.context) ==
        "--set inferense.replicas=4: inferense.replicas: there is no stage \"inferense\"; did you "
        "mean \"inference\"?");
  test.context.sets = {"inference.replicas"};
  CHECK(ProblemsOf(kSmall, test.context) ==
        "--set inference.replicas: there is no value; write STAGE.KEY=VALUE, as in "
        "preprocess.replicas=4");
  test.context.sets = {"inference.options.keep=[nose"};
  CHECK(ProblemsOf(kSmall, test.context).find("not YAML") != std::string::npos);
  test.context.sets = {"inference.executable.x=1"};
  CHECK(ProblemsOf(kSmall, test.context).find("a single value on the way") != std::string::npos);
  for (const char* set : {"replicas=1", "inference.=1", "inference..x=1", ".=", "=", "a.b.c.d=1"}) {
    CAPTURE(set);
    test.context.sets = {set};
    CHECK(!ProblemsOf(kSmall, test.context).empty());
  }
  test.context.sets = {};
  test.context.parameters = {{"weihgts", "w"}};
  CHECK(ProblemsOf(kSmall, test.context) ==
        "--weihgts: /etc/pipes/small.yaml has no such parameter; did you mean --weights?");
  test.context.check_files = true;
  test.context.parameters = {{"weights", "none.pth"}};
  CHECK(ProblemsOf(kSmall, test.context) ==
        "--weights: inference.options.weights: there is no file /cwd/none.pth; put it there or "
        "correct the path, which starts from /cwd");
}

TEST_CASE("variables are put into values after parsing") {
  TestContext test;
  test.context.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOST") return "10.0.0.7";
    if (name == "PORT") return "1000";
    if (name == "EMPTY") return "";
    if (name == "EVIL") return "x\", bind: \"y";
    return std::nullopt;
  };
  const Topology topology = Load(
      "version: 1\nname: t\nbroker: {host: '${HOST}', control: \"${PORT}\", reports: "
      "\"${NO:-2000}\"}\n"
      "stages:\n"
      "  - name: inference\n"
      "    replicas: ${EMPTY:-3}\n"
      "    options: {label: 'a${EVIL}b $${HOST} $HOST $$', keep: '${KEEP:-nose,hair}',\n"
      "      weights: '${WEIGHTS:-}', threads: \"${EMPTY}\"}\n",
      test.context);
  CHECK(topology.broker.host == "10.0.0.7");
  CHECK(topology.broker.bind == "10.0.0.7");
  CHECK(topology.broker.heartbeat == 30s);
  CHECK(topology.broker.control_port == 1000);
  CHECK(topology.broker.reports_port == 2000);
  const StageConfig& stage = topology.stages[0];
  CHECK(stage.replicas == 3);
  CHECK(stage.options.Text("label") == "ax\", bind: \"yb ${HOST} $HOST $$");
  CHECK(stage.options.List("keep") == std::vector<std::string>{"nose", "hair"});
  CHECK(!stage.options.Has("weights"));
  CHECK(!stage.options.Has("threads"));
}

TEST_CASE("a variable that is not set does no harm where the command line gives the value") {
  TestContext test;
  const std::string text =
      "version: 1\nname: t\nparameters: {weights: {sets: inference.options.weights}}\n"
      "stages: [{name: inference, options: {weights: '${NO}'}}]\n";
  CHECK(!ProblemsOf(text, test.context).empty());
  test.context.parameters = {{"weights", "/w${NO}"}};
  CHECK(Load(text, test.context).stages[0].options.Text("weights") == "/w${NO}");
}

TEST_CASE("a stage of somebody else's keeps its options unchecked") {
  TestContext test;
  test.context.parameters = {{"speed", "9"}};
  const Topology topology = Load(
      "version: 1\nname: t\nparameters: {speed: {sets: mine.options.deep.speed}}\n"
      "stages: [{name: mine, executable: ./bin/mine, options: {a: \"8\", b: [1, x y]}}]\n",
      test.context);
  const StageConfig& stage = topology.stages[0];
  CHECK(stage.executable == "/etc/pipes/bin/mine");
  CHECK(!stage.options_checked);
  CHECK(stage.options_yaml == "{a: \"8\", b: [1, \"x y\"], deep: {speed: 9}}");
}

TEST_CASE("an anchor's value may be used again") {
  const TestContext test;
  const Topology topology = Load(
      "version: 1\nname: t\nstages:\n"
      "  - {name: inference, options: &o {threads: 5}}\n"
      "  - {name: again, executable: inference, options: *o}\n",
      test.context);
  CHECK(topology.stages[1].options.Integer("threads") == 5);
}

TEST_CASE("endpoints are of the host, of the bind address, or of a folder") {
  TestContext test;
  test.context.sets = {"broker.host=10.1.2.3", "broker.bind=*"};
  Topology topology = Load(kSmall, test.context);
  CHECK(!topology.broker.Local());
  CHECK(topology.broker.ControlBindEndpoint() == "tcp://*:7710");
  CHECK(topology.broker.ControlConnectEndpoint() == "tcp://10.1.2.3:7710");
  CHECK(topology.broker.ReportsBindEndpoint() == "tcp://*:7711");
  CHECK(topology.broker.ReportsConnectEndpoint() == "tcp://10.1.2.3:7711");
  CHECK(topology.broker.FeedBindEndpoint(7725) == "tcp://*:7725");
  CHECK(topology.broker.FeedConnectEndpoint(7725) == "tcp://10.1.2.3:7725");
  test.context.sets = {"broker.host=::1"};
  topology = Load(kSmall, test.context);
  CHECK(topology.broker.Local());
  CHECK(topology.broker.ControlBindEndpoint() == "tcp://[::1]:7710");
  test.context.sets = {"broker.host=localhost"};
  CHECK(Load(kSmall, test.context).broker.ControlBindEndpoint() == "tcp://127.0.0.1:7710");
}

TEST_CASE("with a folder of sockets everything is local, whatever host the file names") {
  TestContext test;
  test.context.sets = {"broker.host=broker", "inference.replicas=2000"};
  test.context.endpoint_dir = "/run/m";
  const Topology topology = Load(kSmall, test.context);
  CHECK(topology.broker.Local());
  CHECK(topology.broker.heartbeat == 2s);
  CHECK(topology.broker.ControlBindEndpoint() == "ipc:///run/m/control");
  CHECK(topology.broker.ControlConnectEndpoint() == "ipc:///run/m/control");
  CHECK(topology.broker.ReportsBindEndpoint() == "ipc:///run/m/reports");
  CHECK(topology.broker.FeedBindEndpoint(18446744073709551615ULL) ==
        "ipc:///run/m/f18446744073709551615");
  test.context.endpoint_dir = "/" + std::string(kMaxEndpointDir, 'x');
  CHECK(ProblemsOf(kSmall, test.context).find("must fit in 107") != std::string::npos);
}

TEST_CASE("what a schema cannot say is asked when all else is right, and gets its place") {
  TestContext test;
  int asked = 0;
  std::string option = "size.width";
  test.context.check_options = [&](const Topology& topology) {
    ++asked;
    CHECK(topology.stages.size() == 1);
    return std::vector<OptionProblem>{{"inference", option, "is odd", "write 64"}};
  };
  const std::string text =
      "version: 1\nname: t\nstages:\n"
      "  - name: inference\n"
      "    options:\n"
      "      size:\n"
      "        width: 63\n";
  CHECK(ProblemsOf(text, test.context) ==
        "/etc/pipes/small.yaml:7:16: inference.options.size.width: is odd; write 64");
  option = "weights";
  CHECK(ProblemsOf(text, test.context) ==
        "/etc/pipes/small.yaml:6:7: inference.options.weights: is odd; write 64");
  CHECK(asked == 2);
  CHECK(ProblemsOf(text + "wrong: 1\n", test.context).find("is odd") == std::string::npos);
  CHECK(asked == 2);
  test.context.sets = {"inference.options.weights=/w"};
  CHECK(ProblemsOf(text, test.context) ==
        "--set inference.options.weights=/w: inference.options.weights: is odd; write 64");
}

TEST_CASE("a command line can learn the parameters of a file before it loads it") {
  const auto parameters =
      ReadParameters(MILLRACE_SOURCE_DIR "/tests/common/config/data/parameters.yaml");
  REQUIRE(parameters);
  REQUIRE(parameters->size() == 2);
  CHECK((*parameters)[0] == Parameter{"weights", "inference.options.weights", "a file"});
  CHECK((*parameters)[1] == Parameter{"keep", "inference.options.keep", ""});
  CHECK(!ReadParameters("/nowhere.yaml"));
}

TEST_CASE("deep nesting, NULs and half a document are refused") {
  const TestContext test;
  for (const std::string& text :
       {std::string(100'000, '['), std::string(100'000, '{'), std::string("a: \"\\0\""),
        std::string("a\0b", 3), std::string("- - - - "), std::string("&a [*a]"), std::string("? "),
        std::string("\xff\xfe\x00\xd8", 4), std::string("%YAML 9.9\n---\na"), std::string("[a]: b"),
        std::string("{version: 1, name: x, stages: [null, [], 3, {}]}")}) {
    CAPTURE(text.substr(0, 40));
    const auto topology = ParseTopology(text, "x.yaml", test.context);
    CHECK(!topology);
  }
}

}  // namespace
}  // namespace millrace
