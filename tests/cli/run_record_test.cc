#include "cli/run_record.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "common/config/dump.h"
#include "common/config/load.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

Topology SmallTopology() {
  Topology topology;
  topology.relative_to = "/";
  topology.name = "small";
  topology.broker.state = "/state";
  StageConfig stage;
  stage.name = "scan";
  stage.executable = "scanner";
  topology.stages = {stage};
  return topology;
}

TEST_CASE("a run's record is read back, names that are not UTF-8 and all") {
  const TempFolder folder;
  const PipelineRecord record = RecordOf(SmallTopology(), "/photos/\xff \"1\"", folder / "out\xfe");
  REQUIRE(WritePipelineRecord(record));
  const auto read = ReadPipelineRecord(folder / "out\xfe");
  REQUIRE(read);
  CHECK(read->input == record.input);
  CHECK(read->output == record.output);
  CHECK(read->topology == DumpTopology(SmallTopology()));
  CHECK_FALSE(fs::exists(folder / "out\xfe/.millrace/run.json.part"));
}

TEST_CASE("the sockets' folder of one start is no part of a record") {
  Topology topology = SmallTopology();
  topology.broker.endpoint_dir = "/tmp/gone";
  CHECK(RecordOf(topology, "/a", "/b").topology == DumpTopology(SmallTopology()));
}

TEST_CASE("a second run's record replaces the first one's") {
  const TempFolder folder;
  REQUIRE(WritePipelineRecord(RecordOf(SmallTopology(), "/first", folder / "out")));
  REQUIRE(WritePipelineRecord(RecordOf(SmallTopology(), "/second", folder / "out")));
  CHECK(ReadPipelineRecord(folder / "out")->input == "/second");
}

TEST_CASE("a folder that was moved is known by where it is, and where it was is told") {
  const TempFolder folder;
  REQUIRE(WritePipelineRecord(RecordOf(SmallTopology(), "/photos", folder / "out")));
  fs::rename(folder / "out", folder / "moved");
  const auto record = ReadPipelineRecord(folder / "moved");
  REQUIRE(record);
  CHECK(record->output == folder / "moved");
  CHECK(record->was == folder / "out");
  // By a link it has its old name again.
  fs::create_directory_symlink(folder / "moved", folder / "out");
  CHECK(ReadPipelineRecord(folder / "moved")->output == folder / "out");
}

TEST_CASE("a folder that is none or holds no record is told by its name") {
  const TempFolder folder;
  const auto refusal = [&](const std::string& name) {
    const auto record = ReadPipelineRecord(folder / name);
    REQUIRE_FALSE(record);
    CHECK(record.error().code == ErrorCode::kNotFound);
    return record.error().message;
  };
  CHECK(refusal("missing").find(folder / "missing") != std::string::npos);
  folder.Write("plain/a.jpg", "x");
  CHECK(refusal("plain").find("--topology") != std::string::npos);
}

TEST_CASE("a record that is damaged is told by its path") {
  const TempFolder folder;
  folder.Write("out/.millrace/run.json", "{\"input\": 7");
  const auto record = ReadPipelineRecord(folder / "out");
  REQUIRE_FALSE(record);
  CHECK(record.error().message.find("out/.millrace/run.json") != std::string::npos);
}

}  // namespace
}  // namespace millrace::cli
