#include "tests/simulation/folders.h"

#include <variant>

#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {

std::uint64_t Folders::Post(const std::string& output, FolderRequest request) {
  folders_[output].waiting.emplace_back(++posted_, std::move(request));
  if (!folders_[output].busy) Begin(output);
  return posted_;
}

bool Folders::IsHeld(const std::string& output) const {
  const auto found = folders_.find(output);
  return found != folders_.end() && found->second.held;
}

void Folders::Begin(const std::string& output) {
  folders_[output].busy = true;
  world_.time.In(world_.FolderDelay(output), [this, output, alive = alive_] {
    if (!*alive) return;
    Folder& folder = folders_[output];
    auto [number, request] = std::move(folder.waiting.front());
    folder.waiting.pop_front();
    answers_.push_back({number, Execute(output, folder, request)});
    folder.busy = false;
    if (!folder.waiting.empty()) Begin(output);
    readable_();
  });
}

Result<FolderAnswer> Folders::Execute(const std::string& output, Folder& folder,
                                      FolderRequest& request) {
  if (const auto* hold = std::get_if<HoldFolder>(&request)) {
    std::string id = "id of " + output;
    Require(!hold->id || *hold->id == id, "a run is continued in the folder that it wrote to");
    folder.held = true;
    return FolderHeld{std::move(id)};
  }
  if (std::holds_alternative<ReleaseFolder>(request)) {
    folder.held = false;
    return FolderAnswer();
  }
  Require(folder.held, "a run looks at and writes to a folder that it holds",
          [&] { return output; });
  if (std::holds_alternative<FindLost>(request)) return LostOutputs();
  if (std::holds_alternative<BeginReport>(request)) world_.audit.ReportBegins(output);
  if (const auto* list = std::get_if<WriteList>(&request)) {
    world_.audit.Listed(output, *list);
    return ListWritten();
  }
  if (std::holds_alternative<FinishReport>(request)) world_.audit.ReportWritten(output);
  return FolderAnswer();
}

}  // namespace millrace::sim
