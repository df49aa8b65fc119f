// One broker's use of the run folders, in place of FolderThreads: without files, each answering in
// its own time. A folder may hang for long, and must hold up no other.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/run_folder.h"

namespace millrace::sim {

class World;

class Folders {
 public:
  // `readable`: Take has something.
  Folders(World& world, std::function<void()> readable)
      : world_(world), readable_(std::move(readable)) {}
  ~Folders() { *alive_ = false; }
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  std::uint64_t Post(const std::string& output, FolderRequest request);
  std::vector<FolderAnswered> Take() { return std::exchange(answers_, {}); }
  [[nodiscard]] bool IsHeld(const std::string& output) const;

 private:
  struct Folder {
    std::deque<std::pair<std::uint64_t, FolderRequest>> waiting;
    bool busy = false;
    bool held = false;
  };

  void Begin(const std::string& output);
  Result<FolderAnswer> Execute(const std::string& output, Folder& folder, FolderRequest& request);

  World& world_;
  std::function<void()> readable_;
  std::map<std::string, Folder> folders_;
  std::vector<FolderAnswered> answers_;
  std::uint64_t posted_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::sim
