#include "cli/run_record.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/json_text.h"
#include "common/config/dump.h"
#include "common/os/atomic_file.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

fs::path PathIn(const std::string& output) { return fs::path(output) / ".millrace" / "run.json"; }

std::string Member(std::string_view name, std::string_view bytes) {
  return fmt::format("\"{}\": \"{}\"", name, JsonEscapeBytes(bytes));
}

}  // namespace

PipelineRecord RecordOf(Topology topology, std::string input, std::string output) {
  topology.broker.endpoint_dir.clear();
  return {
      .input = std::move(input), .output = std::move(output), .topology = DumpTopology(topology)};
}

Result<void> WritePipelineRecord(const PipelineRecord& record) {
  const fs::path path = PathIn(record.output);
  const auto write = [&]() -> Result<void> {
    RETURN_IF_ERROR(MakeFolders(path.parent_path()));
    // Beside it: what lies in .millrace/tmp may be taken away, since the run has begun.
    ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::CreateBeside(path));
    RETURN_IF_ERROR(
        file.Append(fmt::format("{{{},\n {},\n {},\n {}}}\n", Member("version", MILLRACE_VERSION),
                                Member("input", record.input), Member("output", record.output),
                                Member("topology", record.topology))));
    RETURN_IF_ERROR(file.Publish());
    return {};
  };
  const auto written = write();
  if (written) return {};
  return Fail(ErrorCode::kWriteFailed,
              written.error().message + ": `millrace retry` will not work");
}

Result<PipelineRecord> ReadPipelineRecord(const std::string& output) {
  std::error_code error;
  if (!fs::is_directory(output, error)) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("there is no folder {}: give the OUTPUT of a run", output));
  }
  const fs::path path = PathIn(output);
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} does not tell of a `millrace run`: for the OUTPUT of a pipeline "
                            "that is up, say which with --topology or --broker",
                            path.string()));
  }
  PipelineRecord record;
  for (const auto& [name, value] :
       {std::pair{"input", &record.input}, std::pair{"output", &record.output},
        std::pair{"topology", &record.topology}}) {
    auto member = JsonTextMember(text, name);
    if (!member) return Fail(member.error().WithContext(path.string()));
    *value = std::move(*member);
  }
  // A path by another name of the same folder is that by which its run is known.
  record.was = record.output;
  if (fs::weakly_canonical(record.output, error) != fs::weakly_canonical(output, error)) {
    record.output = output;
  }
  return record;
}

}  // namespace millrace::cli
