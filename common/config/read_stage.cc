#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/config/read_options.h"
#include "common/config/read_parts.h"
#include "common/config/scalar.h"
#include "common/config/topology_schema.h"
#include "common/config/units.h"

namespace millrace {
namespace {

// Where --set would look for the broker or for nothing at all.
constexpr std::string_view kReserved = "broker";

void ReadExecutable(StageConfig& stage, const ReadOptions& read, const ConfigNode& node,
                    const std::string& path, const LoadContext& context, Problems& problems) {
  stage.executable = read.options.Has("executable") ? read.options.Text("executable") : stage.name;
  const ConfigNode& place = read.Place("executable", node);
  const std::string at = JoinPath(path, "executable");
  if (stage.executable.find('/') != std::string::npos) {
    stage.executable = (std::filesystem::path(place.origin->relative_to) / stage.executable)
                           .lexically_normal()
                           .string();
    return;
  }
  const bool is_name =
      !stage.executable.empty() && std::ranges::all_of(stage.executable, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
      });
  if (!is_name) {
    problems.Add(place, at, "this is no name of a program",
                 "write scanner for millrace-scanner, or a path with a slash in it");
    return;
  }
  const auto& known = context.executables;
  if (std::ranges::count(known, stage.executable) > 0) return;
  if (const std::string nearest = NearestName(stage.executable, known); !nearest.empty()) {
    problems.Add(place, at, fmt::format("there is no stage program \"{}\"", stage.executable),
                 fmt::format("did you mean \"{}\"?", nearest));
  }
}

void ReadReplicas(StageConfig& stage, const ReadOptions& read, const ConfigNode& node,
                  const std::string& path, const LoadContext& context, Problems& problems) {
  constexpr double kMaxReplicas = 65536;
  const std::string& text = read.options.Text("replicas");
  if (text == "auto") {
    stage.replicas_auto = true;
    stage.replicas = std::max(1, context.core_count);
    return;
  }
  const OptionSpec spec{
      .name = "replicas", .type = OptionType::kInteger, .min = 1, .max = kMaxReplicas};
  ConfigNode value;
  value.kind = ConfigNode::Kind::kScalar;
  value.text = text;
  const auto number = ReadValue(spec, value);
  if (!number) {
    problems.Add(read.Place("replicas", node), JoinPath(path, "replicas"), number.error().what,
                 number.error().cure + ", or auto: one a core");
    return;
  }
  stage.replicas = static_cast<int>(std::get<std::int64_t>(*number));
}

void ReadTimes(StageConfig& stage, const ReadOptions& read, const ConfigNode& node,
               const std::string& path, Problems& problems) {
  const Options& options = read.options;
  stage.lease = options.Time("lease");
  stage.stall = options.Time("stall");
  stage.timeout = options.Time("timeout");
  stage.backoff = options.Time("backoff");
  stage.drain_timeout = options.Time("drain_timeout");
  stage.claim_deadline = std::max(Duration(std::chrono::seconds(1)), 4 * stage.batch_delay);
  if (!options.Has("claim_deadline")) return;
  stage.claim_deadline = options.Time("claim_deadline");
  if (stage.claim_deadline < 2 * stage.batch_delay) {
    problems.Add(read.Place("claim_deadline", node), JoinPath(path, "claim_deadline"),
                 fmt::format("{} would take jobs away from a worker that waits for its batch",
                             FormatDuration(stage.claim_deadline)),
                 fmt::format("write at least {}, twice batch.delay, or remove the line",
                             FormatDuration(2 * stage.batch_delay)));
  }
}

void ReadBatch(StageConfig& stage, const ReadOptions& read, const ConfigNode& node,
               const std::string& path, Problems& problems) {
  stage.batch_max = static_cast<int>(read.options.Integer("batch.max"));
  stage.batch_delay = read.options.Time("batch.delay");
  stage.credit = std::max(2, 2 * stage.batch_max);
  if (!read.options.Has("credit")) return;
  stage.credit = static_cast<int>(read.options.Integer("credit"));
  if (stage.credit < stage.batch_max) {
    problems.Add(read.Place("credit", node), JoinPath(path, "credit"),
                 fmt::format("a replica that holds {} jobs never fills a batch of {}", stage.credit,
                             stage.batch_max),
                 fmt::format("write at least {}, or remove the line", stage.batch_max));
  }
}

void ReadSandbox(StageConfig& stage, const ReadOptions& read, const ConfigNode& node,
                 const std::string& path, const LoadContext& context, Problems& problems) {
  stage.sandbox = read.options.Bool("sandbox");
  // A stage that nobody here knows says so itself when it starts.
  const OptionSchema* schema = context.schema ? context.schema(stage.executable) : nullptr;
  if (!stage.sandbox || schema == nullptr || schema->sandbox_allowed()) return;
  problems.Add(read.Place("sandbox", node), JoinPath(path, "sandbox"),
               fmt::format("{} does more than read files, which is all that a sandbox lets it do",
                           stage.executable),
               "write false, or remove the line");
}

void ReadStageOptions(StageConfig& stage, const ConfigNode& node, const std::string& path,
                      const LoadContext& context, Problems& problems) {
  const ConfigNode* written = node.Find("options");
  const std::string at = JoinPath(path, "options");
  const OptionSchema* schema = context.schema ? context.schema(stage.executable) : nullptr;
  if (schema != nullptr) {
    const ReadRules rules{.other_keys = {}, .check_files = context.check_files};
    stage.options = ReadAgainst(*schema, written, node, at, rules, problems).options;
    stage.options_checked = true;
    stage.options_yaml = FlowYaml(OptionsNode(*schema, stage.options));
    return;
  }
  if (written == nullptr) return;
  if (written->kind != ConfigNode::Kind::kMap) {
    problems.Add(*written, at, fmt::format("{} where keys belong", KindName(written->kind)),
                 "write options: {name: value}, or remove the line");
    return;
  }
  stage.options_yaml = FlowYaml(*written);
}

}  // namespace

bool CheckName(const std::string& name, const ConfigNode& at, const std::string& path,
               Problems& problems) {
  const bool valid = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!valid) {
    problems.Add(at, path, fmt::format("\"{}\" is no name", name.substr(0, 80)),
                 "use a-z, 0-9, _ and -, at most 64 of them");
  }
  return valid;
}

StageConfig ReadStage(const ConfigNode& node, std::size_t index, const LoadContext& context,
                      Problems& problems) {
  StageConfig stage;
  // Paths in messages begin with the stage's name, as those of --set do, once there is one.
  std::string path = fmt::format("stages[{}]", index);
  if (node.kind != ConfigNode::Kind::kMap) {
    problems.Add(node, path, fmt::format("{} where a stage belongs", KindName(node.kind)),
                 "write - {name: ..., executable: ...}");
    return stage;
  }
  if (const ConfigNode* name = node.Find("name");
      name != nullptr && name->kind == ConfigNode::Kind::kScalar && !name->broken) {
    stage.name = name->text;
    const std::string at = JoinPath(path, "name");
    if (stage.name == kReserved) {
      problems.Add(*name, at, "\"broker\" is taken: --set broker.KEY means the broker",
                   "choose another name");
    } else if (CheckName(stage.name, *name, at, problems)) {
      path = stage.name;
    }
  }
  const ReadRules rules{.other_keys = {"options"}};
  const ReadOptions read = ReadAgainst(StageKeys(), &node, node, path, rules, problems);
  ReadExecutable(stage, read, node, path, context, problems);
  ReadReplicas(stage, read, node, path, context, problems);
  ReadBatch(stage, read, node, path, problems);
  ReadTimes(stage, read, node, path, problems);
  stage.max_attempts = static_cast<int>(read.options.Integer("max_attempts"));
  stage.budget = read.options.Bytes("budget");
  stage.max_payload = read.options.Bytes("max_payload");
  ReadSandbox(stage, read, node, path, context, problems);
  ReadStageOptions(stage, node, path, context, problems);
  return stage;
}

}  // namespace millrace
