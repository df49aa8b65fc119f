// Requests to run folders, and who waits for their answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "broker/env.h"

namespace millrace {

class FolderRequests {
 public:
  using Done = std::function<void(Result<FolderAnswer>)>;

  explicit FolderRequests(RunFolders& folders) : folders_(folders) {}

  void Post(const std::string& output, FolderRequest request, Done done = nullptr) {
    const std::uint64_t number = folders_.PostToFolder(output, std::move(request));
    if (done) asked_.emplace(number, std::move(done));
  }
  // Folders have answered.
  void OnAnswers() {
    for (FolderAnswered& answered : folders_.TakeFolderAnswers()) {
      auto asked = asked_.extract(answered.number);
      if (!asked.empty()) asked.mapped()(std::move(answered.answer));
    }
  }

 private:
  RunFolders& folders_;
  std::map<std::uint64_t, Done> asked_;  // and not answered
};

}  // namespace millrace
