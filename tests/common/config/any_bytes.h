// What must hold of any bytes whatever, as a topology file and as values of the command line: an
// answer, and where it is a topology, the same one again from its resolved form. Used by the fuzzer
// and by a test that mutates files.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/dump.h"
#include "common/config/load.h"
#include "tests/common/config/test_schema.h"

namespace millrace {

// Input: a file; behind a line "%%%", values of --set, one a line. "" where all is well;
// `accepted` then says whether it was a topology.
inline std::string CheckAnyBytes(std::string_view input, bool* accepted = nullptr) {
  TestContext test;
  test.context.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "EMPTY") return "";
    if (name.starts_with("SET")) return name.substr(3);
    return std::nullopt;
  };
  const std::size_t split = input.find("\n%%%\n");
  std::string_view sets = split == std::string_view::npos ? "" : input.substr(split + 5);
  while (!sets.empty()) {
    const std::size_t end = std::min(sets.find('\n'), sets.size());
    test.context.sets.emplace_back(sets.substr(0, end));
    sets.remove_prefix(std::min(end + 1, sets.size()));
  }
  auto topology = ParseTopology(input.substr(0, split), "/etc/fuzz.yaml", test.context);
  if (accepted != nullptr) *accepted = topology.has_value();
  if (!topology) {
    if (topology.error().empty()) return "refused without a problem";
    for (const Problem& problem : topology.error()) {
      if (problem.what.empty() || problem.cure.empty() || problem.source.empty()) {
        return "a problem that says too little: " + problem.Text();
      }
    }
    return "";
  }
  if (topology->stages.empty()) return "no stages";
  for (StageConfig& stage : topology->stages) stage.replicas_auto = false;
  const TestContext other;
  const std::string dump = DumpTopology(*topology);
  auto again = ParseTopology(dump, "/tmp/resolved.yaml", other.context);
  if (!again) return "its resolved form is refused: " + ProblemsText(again.error()) + "\n" + dump;
  again->file = topology->file;
  if (!(*again == *topology)) return "its resolved form is another:\n" + dump;
  return "";
}

}  // namespace millrace
