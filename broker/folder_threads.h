// The threads that touch OUTPUT, one for each folder that is in use: a folder that hangs stalls its
// own run and nobody else.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/run_folder.h"
#include "common/base/result.h"

namespace millrace {

class FolderThreads {
 public:
  static Result<std::unique_ptr<FolderThreads>> Create();
  // What is posted and not begun is dropped. A folder that hangs is left behind after kPatience:
  // its thread keeps what it needs, and ends with the process.
  ~FolderThreads();
  FolderThreads(const FolderThreads&) = delete;
  FolderThreads& operator=(const FolderThreads&) = delete;

  // Requests to one folder are carried out in order. Gives the request's number: 1, 2, 3, …
  std::uint64_t Post(const std::string& output, FolderRequest request);

  // Readable when Take has something new.
  [[nodiscard]] int event_fd() const;
  std::vector<FolderAnswered> Take();

  // Folders with a thread: those that are held, or still have something to do.
  [[nodiscard]] std::size_t threads() const;

 private:
  struct Shared;
  struct Thread;

  explicit FolderThreads(std::shared_ptr<Shared> shared);
  static void Run(Shared& shared, Thread& thread);  // which its thread keeps alive

  std::shared_ptr<Shared> shared_;
  std::map<std::string, std::shared_ptr<Thread>> threads_;  // by OUTPUT
  std::uint64_t posted_ = 0;
};

}  // namespace millrace
