#include "cli/check/quarantine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

namespace millrace::cli {
namespace {

constexpr int kMaxNumbers = 10'000;

}  // namespace

std::map<std::string, std::string> QuarantineFolders(const std::set<std::string>& inputs) {
  std::map<std::string, std::string> folders;
  std::set<std::string> taken;
  for (const std::string& input : inputs) {
    std::string name = std::filesystem::path(input).filename().string();
    if (name.empty()) name = "root";
    std::string folder = name;
    for (int number = 2; !taken.insert(folder).second; ++number) {
      folder = fmt::format("{}.{}", name, number);
    }
    folders[input] = inputs.size() == 1 ? "" : folder;
  }
  return folders;
}

Result<Quarantine> Quarantine::Open(const std::string& folder,
                                    std::map<std::string, std::string> folders, OnStep on_step) {
  ASSIGN_OR_RETURN(Manifest manifest, Manifest::OpenToAdd(folder));
  return Quarantine(folder, std::move(folders), std::move(on_step), std::move(manifest));
}

Quarantine::Quarantine(std::string folder, std::map<std::string, std::string> folders,
                       OnStep on_step, Manifest manifest)
    : folder_(std::move(folder)),
      folders_(std::move(folders)),
      on_step_(std::move(on_step)),
      manifest_(std::move(manifest)) {}

Result<ActResult> Quarantine::Move(const FileVerdict& verdict, const ActRule& rule) {
  const auto file = VerifyTarget(verdict, rule);
  if (!file) return file.error();
  const auto below = folders_.find(verdict.input);
  std::string path = verdict.path;
  if (below != folders_.end() && !below->second.empty()) path = below->second + '/' + path;
  for (int number = 0; number < kMaxNumbers; ++number) {
    ASSIGN_OR_RETURN(std::optional<ActResult> result,
                     MoveTo(NumberedName(path, number), verdict, *file));
    if (result) return *std::move(result);
  }
  return ActResult{ActionResult::kFailed, "too many files of its name are in the quarantine"};
}

Result<std::optional<ActResult>> Quarantine::MoveTo(const std::string& to,
                                                    const FileVerdict& verdict,
                                                    const VerifiedTarget& file) {
  const OsResult<DirEntry> place = MakeDirEntry(folder_, to);
  if (!place) {
    return ActResult{ActionResult::kFailed,
                     fmt::format("cannot make {}/{}: {}", folder_, to, ErrnoText(place.error()))};
  }
  if (AreSameName(file.place, *place)) {
    return ActResult{ActionResult::kLeftAlone, "it lies in the quarantine already"};
  }
  const MoveRecord record{verdict.input, verdict.path, to, verdict.code, file.stamp};
  // An attempt that was killed may have left it there, and here. Any other file there is another
  // one, be it its twin to the last byte: each is moved, so that each can be moved back.
  const bool taken = place->Look().has_value();
  if (taken && !(manifest_.last() == record && AreAlike(file.place, *place))) return std::nullopt;
  RETURN_IF_ERROR(manifest_.Add(record));
  on_step_("recorded");
  if (taken) {
    if (const auto synced = SyncFolderOf(*place); !synced) return CannotAct("move", synced.error());
    if (unlinkat(file.place.folder.get(), file.place.name.c_str(), 0) != 0) {
      return CannotAct("remove", errno);
    }
    on_step_("original removed");
    return ActResult{ActionResult::kDone, "moved to " + folder_ + '/' + to};
  }
  const MoveResult moved = MoveFile(file.place, file.stamp, *place, on_step_);
  switch (moved.what) {
    case Moved::kMoved:
      return ActResult{ActionResult::kDone, "moved to " + folder_ + '/' + to};
    case Moved::kTaken:
      return std::nullopt;
    case Moved::kChanged:
      return ActResult{ActionResult::kLeftAlone, "it has changed since it was checked"};
    case Moved::kFailed:
      break;
  }
  return CannotAct("move", moved.error_number);
}

std::string NumberedName(const std::string& path, int number) {
  if (number == 0) return path;
  const std::filesystem::path parts(path);
  const std::string name =
      fmt::format("{}.{}{}", parts.stem().string(), number, parts.extension().string());
  return (parts.parent_path() / name).string();
}

}  // namespace millrace::cli
