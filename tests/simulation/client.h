// Somebody who wants a folder done: submits, waits, asks again when no answer comes, and goes on
// with what was cancelled or given up until it is done.
#pragma once

#include <cstdint>
#include <string>

#include "common/wire/messages.h"
#include "tests/simulation/plan.h"

namespace millrace::sim {

class World;

class Client {
 public:
  Client(World& world, const Tree& tree, std::string identity)
      : world_(world), tree_(tree), identity_(std::move(identity)) {}

  void Start() { Ask(); }
  void Cancel();
  void Pause(Duration length);
  void Answered(const wire::ReplyEnvelope& reply);

  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const std::string& identity() const { return identity_; }
  [[nodiscard]] const Tree& tree() const { return tree_; }
  [[nodiscard]] std::size_t submissions() const { return submissions_; }
  [[nodiscard]] std::string Describe() const;

 private:
  // What it is after now; again after a while without an answer.
  void Ask();
  std::uint64_t Send(wire::ControlRequest request);
  void AskLater(Duration delay);
  void Ended(const wire::RunStatus& status);
  void CheckDone(const wire::RunStatus& status);

  World& world_;
  const Tree& tree_;
  const std::string identity_;
  std::uint64_t last_request_ = 0;
  std::uint64_t asked_ = 0;   // the one whose answer is waited for
  std::uint64_t resume_ = 0;  // likewise
  std::uint64_t generation_ = 0;
  RunId run_;  // submitted and waited for
  bool resume_wanted_ = false;
  bool done_ = false;
  bool again_ = false;  // the second time, for what a rerun takes over
  std::int64_t expect_resumed_ = -1;
  std::size_t submissions_ = 1;  // also the one that is about to be made
};

}  // namespace millrace::sim
