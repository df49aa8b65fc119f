// The verdicts of a check while it goes on: to stdout as they come, where that is asked for, and in
// any case the bytes that were read for them, for the progress.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "cli/check/check_target.h"
#include "cli/check/result_output.h"
#include "cli/ended_follower.h"
#include "common/base/result.h"

namespace millrace::cli {

class StreamOutput final : public EndedSink {
 public:
  StreamOutput(const ResultOptions& options, bool several, int fd)
      : options_(options), several_(several), fd_(fd) {}

  // What ends from here on is of this target's run, whose paths are relative to `folder`.
  void Begin(const CheckTarget& target, const std::string& folder);

  std::int64_t Take(const wire::EndedItem& item) override;
  // Writes what the reader takes at once. kWriteFailed where there is none any more.
  Result<bool> Ready() override;
  // Writes the rest, and waits for the reader.
  Result<void> Flush();

  // Whether it has been taken for stdout.
  [[nodiscard]] bool Printed(const FileVerdict& verdict) const;

 private:
  Result<void> WriteSome();

  const ResultOptions options_;
  const bool several_;
  const int fd_;
  CheckTarget target_;
  std::string folder_;
  std::string buffer_;                       // lines that are not written yet
  std::unordered_set<std::string> printed_;  // keys of those that were taken
};

}  // namespace millrace::cli
