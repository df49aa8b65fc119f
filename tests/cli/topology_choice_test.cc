#include "cli/topology_choice.h"

#include <doctest/doctest.h>

#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

constexpr const char* kTopology = R"(version: 1
name: faces
parameters:
  weights: {sets: inference.options.weights, help: "The model file"}
  copies:  {sets: inference.replicas}
stages:
  - {name: inference, executable: inference, replicas: 1}
)";

// A parser of `run`, as far as topologies are concerned.
struct Line {
  CLI::App app;
  TopologyChoice choice;
  std::string input;
  bool flag = false;

  explicit Line(std::vector<std::string> words) {
    AddTopologyOptions(app, choice);
    app.add_option("INPUT", input);
    app.add_flag("-q,--quiet", flag);
    AddParameterOptions(app, choice, words);
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  }
};

TEST_CASE("a topology's parameters are options of the command line") {
  const TempFolder folder;
  const std::string file = folder.Write("faces.yaml", kTopology);
  const Line line({file, "photos", "--weights", "w.pth", "--copies=3"});
  CHECK(line.choice.topology == file);
  CHECK(line.input == "photos");
  CHECK(line.choice.parameters ==
        std::map<std::string, std::string>{{"weights", "w.pth"}, {"copies", "3"}});
}

TEST_CASE("the topology is found behind options, their values, and parameters of its own") {
  const TempFolder folder;
  const std::string file = folder.Write("faces.yaml", kTopology);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--set", "a.b=c", file, "photos", "--weights", "w.pth"},
           {"-q", file, "photos", "--weights", "w.pth"},
           {"--set=a.b=c", "--quiet", file, "photos", "--weights=w.pth"},
           {"--weights", "w.pth", file, "photos"}}) {
    const Line line(words);
    CHECK(line.choice.topology == file);
    CHECK(line.choice.parameters.at("weights") == "w.pth");
  }
}

TEST_CASE("a parameter that the topology does not have is refused") {
  const TempFolder folder;
  const std::string file = folder.Write("faces.yaml", kTopology);
  CHECK_THROWS_AS(Line({file, "photos", "--wieghts", "w.pth"}), CLI::ParseError);
}

TEST_CASE("--set may be repeated, and takes one value each time") {
  const Line line({"x.yaml", "photos", "--set", "a.b=1", "--set", "c.d=2"});
  CHECK(line.choice.sets == std::vector<std::string>{"a.b=1", "c.d=2"});
  CHECK(line.input == "photos");
}

TEST_CASE("a topology is a file, or a name in a folder of topologies") {
  const TempFolder folder;
  const std::string file = folder.Write("config/faces.yaml", kTopology);
  folder.Write("config/cluster/faces.yaml", kTopology);
  const std::vector<std::string> folders = {folder / "missing", folder / "config"};
  CHECK(FindTopology(file, {}) == file);
  CHECK(FindTopology("faces", folders) == file);
  CHECK(FindTopology("cluster/faces", folders) == folder / "config/cluster/faces.yaml");
}

TEST_CASE("a topology that is not there is told with the ones there are, and the nearest") {
  const TempFolder folder;
  folder.Write("faces.yaml", kTopology);
  folder.Write("check.yaml", kTopology);
  const auto path = FindTopology("face", {folder.path()});
  REQUIRE_FALSE(path);
  CHECK(path.error().code == ErrorCode::kNotFound);
  CHECK(path.error().message.find("check, faces") != std::string::npos);
  CHECK(path.error().message.find("did you mean 'faces'") != std::string::npos);
}

}  // namespace
}  // namespace millrace::cli
