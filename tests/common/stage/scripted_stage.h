// A stage whose Process is a function of the test, which a job called "breaks" breaks; and a gate
// to hold it at.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "common/stage/stage.h"

namespace millrace {

using Script = std::function<std::vector<Outcome>(std::span<const Job>, JobContext&)>;

class ScriptedStage final : public Stage {
 public:
  explicit ScriptedStage(Script script, Result<void> start = {})
      : script_(std::move(script)), start_(std::move(start)) {}
  Result<void> Start(const StageContext& /*context*/) override { return start_; }
  [[nodiscard]] std::string Ingredients() const override { return "a script"; }
  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override {
    for (const Job& job : jobs) {
      if (job.key == "breaks") broken_ = "nothing works after " + job.key;
    }
    return script_(jobs, context);
  }
  [[nodiscard]] std::string Broken() const override { return broken_; }

 private:
  Script script_;
  Result<void> start_;
  std::string broken_;
};

// The handler waits at it until the test opens it; opened once, it stays open.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void AwaitArrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

// Every job is done with its payload as it came.
inline std::vector<Outcome> Echo(std::span<const Job> jobs, JobContext& /*context*/) {
  std::vector<Outcome> outcomes;
  for (const Job& job : jobs) {
    Done done;
    done.meta = job.meta;
    done.payload = job.payload;
    outcomes.emplace_back(std::move(done));
  }
  return outcomes;
}

}  // namespace millrace
