// millrace model fetch|inspect: model files, without loading a model library.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fetch.h"
#include "cli/model_catalogue.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/topology_choice.h"
#include "common/base/json_text.h"
#include "common/base/sha256.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

struct FetchOptions {
  std::string name;
  std::string from;
  std::string to;
};

struct InspectOptions {
  std::string file;
  bool json = false;
};

const PublishedModel* FindModel(const std::string& name) {
  for (const PublishedModel& model : kPublishedModels) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

// Where the topologies that come with millrace look for it: models/ beside config/.
Result<std::string> DefaultDestination(const PublishedModel& model) {
  for (const std::string& folder : TopologyFolders()) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) continue;
    const fs::path beside = fs::weakly_canonical(fs::path(folder) / "..", error);
    return (beside / "models" / model.file).string();
  }
  return Fail(ErrorCode::kUsage, "there is no config folder to put models beside: give --to FILE");
}

std::string OfflineAdvice(const PublishedModel& model, const std::string& destination) {
  return fmt::format(
      "To do it by hand: on a machine with a connection download\n  {}\nand here run\n  millrace "
      "model fetch {} --from FILE\n(or copy it to {}). Proxies are taken from https_proxy.\nTo see "
      "the pipeline work without any model: millrace run demo INPUT OUTPUT",
      model.urls.front(), model.name, destination);
}

void PrintLines(Terminal& terminal, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    terminal.Print(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

int FetchModel(const FetchOptions& options) {
  const PublishedModel* model = FindModel(options.name);
  Terminal terminal(STDERR_FILENO);
  std::string destination = options.to;
  if (destination.empty()) {
    const Result<std::string> chosen = DefaultDestination(*model);
    if (!chosen) return PrintError(chosen.error());
    destination = *chosen;
  }
  // A folder that there is, or one that is written as one and made by the fetch.
  if (destination.ends_with('/') || fs::is_directory(destination)) {
    destination = (fs::path(destination) / model->file).string();
  }

  const Result<std::string> present = Sha256OfFile(destination);
  if (present && *present == model->sha256) {
    terminal.Print("already there, and sound: " + destination);
    return kExitDone;
  }
  terminal.Print(fmt::format("{}: {}", model->name, model->terms));
  FetchRequest request{.sources = {},
                       .destination = destination,
                       .sha256 = std::string(model->sha256),
                       .progress = [&terminal](std::int64_t had, std::int64_t whole) {
                         const double mib = 1 << 20;
                         std::string line = fmt::format("{:.1f}", static_cast<double>(had) / mib);
                         if (whole > 0) {
                           line += fmt::format(" of {:.1f}", static_cast<double>(whole) / mib);
                         }
                         terminal.ShowLive(line + " MiB");
                         return true;
                       }};
  if (options.from.empty()) {
    request.sources.assign(model->urls.begin(), model->urls.end());
  } else {
    request.sources.push_back(options.from);
  }
  const Result<void> fetched = Fetch(request);
  terminal.ShowLive("");
  if (!fetched) {
    const int status = PrintError(fetched.error().WithContext("cannot fetch " + options.name));
    // What the net gives instead of the file is a proxy's page, or that of a portal.
    const bool wrong_from_net = fetched.error().code == ErrorCode::kCorrupt && options.from.empty();
    if (fetched.error().code == ErrorCode::kUnavailable || wrong_from_net) {
      PrintLines(terminal, OfflineAdvice(*model, destination));
    }
    return status;
  }
  terminal.Print(fmt::format("saved, and its SHA-256 is right: {}", destination));
  return kExitDone;
}

// Names come out of the file, as bytes.
std::string Quoted(std::string_view bytes) { return '"' + JsonEscapeBytes(bytes) + '"'; }

void PrintJson(const StateDict& state) {
  std::string tensors;
  for (const StateTensor& tensor : state.tensors) {
    tensors += fmt::format(R"({}{{"name":{},"shape":[{}],"dtype":{}}})", tensors.empty() ? "" : ",",
                           Quoted(tensor.name), fmt::join(tensor.shape, ","),
                           Quoted(ElementTypeName(tensor.type)));
  }
  std::string ignored;
  for (const std::string& name : state.ignored) {
    ignored += (ignored.empty() ? "" : ",") + Quoted(name);
  }
  fmt::print("{{\"format\":{},\"tensors\":[{}],\"ignored\":[{}]}}\n",
             Quoted(WeightsFormatText(state.format)), tensors, ignored);
}

int InspectModel(const InspectOptions& options) {
  const Result<WeightsFormat> format = DetectWeightsFormat(options.file);
  if (!format) return PrintError(format.error());
  if (*format == WeightsFormat::kTorchScript) {
    if (options.json) {
      fmt::print("{{\"format\":\"TorchScript\",\"looked_into\":false}}\n");
    } else {
      fmt::print(
          "{}\nIt holds code, which was not looked into and which `model: torchscript` executes: "
          "use "
          "only what you trust\n",
          WeightsFormatText(*format));
    }
    return kExitDone;
  }
  const Result<StateDict> state = LoadStateDict(options.file);
  if (!state) return PrintError(state.error());
  if (options.json) {
    PrintJson(*state);
  } else {
    fmt::print("{}", FormatStateDict(*state));
  }
  return kExitDone;
}

}  // namespace

void AddModelCommand(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("model", "Fetch and look into model files");
  command->require_subcommand(1);

  auto fetch = std::make_shared<FetchOptions>();
  std::vector<std::string> names;
  for (const PublishedModel& model : kPublishedModels) names.emplace_back(model.name);
  CLI::App* fetch_command = command->add_subcommand(
      "fetch",
      "Download a published model, check its hash, and put it where the topologies expect "
      "it. An interrupted download is continued by the same command");
  fetch_command->add_option("MODEL", fetch->name, fmt::format("{}", fmt::join(names, ", ")))
      ->required()
      ->check(CLI::IsMember(names));
  fetch_command->add_option("--from", fetch->from, "Another source of the same file")
      ->type_name("FILE|URL");
  fetch_command->add_option("--to", fetch->to, "Where to put it (default: models/ beside config/)")
      ->type_name("FILE|FOLDER/");
  fetch_command->footer(
      "Examples:\n"
      "  millrace model fetch bisenet-face\n"
      "  millrace model fetch bisenet-face --from ~/Downloads/face-parsing-bisenet.pth\n"
      "  millrace model fetch bisenet-face --to /models/79999_iter.pth");
  fetch_command->callback([fetch, &chosen] { chosen = [fetch] { return FetchModel(*fetch); }; });

  auto inspect = std::make_shared<InspectOptions>();
  CLI::App* inspect_command = command->add_subcommand(
      "inspect",
      "List the tensors of a .pth state dict, reading it as the inference stage would: "
      "nothing in it is executed. Of TorchScript only that it is that");
  inspect_command->add_option("FILE", inspect->file, "The file")->required();
  inspect_command->add_flag("--json", inspect->json, "As one JSON object");
  inspect_command->footer(
      "Examples:\n"
      "  millrace model inspect models/79999_iter.pth\n"
      "  millrace model inspect model.pth --json | jq '.tensors | length'");
  inspect_command->callback(
      [inspect, &chosen] { chosen = [inspect] { return InspectModel(*inspect); }; });
}

}  // namespace millrace::cli
