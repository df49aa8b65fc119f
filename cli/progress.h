// Turns the broker's statuses into what a person wants to see while a run goes on: how much is
// done, how fast, how long still, what failed, and which stage holds it up. Pure text: no terminal,
// no clock.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/wire/messages.h"

namespace millrace::cli {

class Progress {
 public:
  // A status of the run, as of `now`. Instants must not go back. `trouble` is the broker's.
  void Update(Instant now, const wire::RunStatus& run, std::vector<wire::StageStatus> stages,
              std::string_view trouble = "");

  // So many bytes were read for what has ended since.
  void AddBytes(std::int64_t bytes) { bytes_ += bytes; }

  // For a terminal of so many columns, never wider:
  // [#########>          ] 45%  450/1,000  3 failed  86.1 img/s  ETA 0:06  limit: inference
  // Where it is known how much was read, "52.3 MB/s" follows "img/s".
  [[nodiscard]] std::string Bar(int columns) const;
  // For a log file: "450 of 1,000 images, 86.1 img/s, ETA 0:06, 3 failed, limit: inference".
  [[nodiscard]] std::string Line() const;

  // Images that this run itself has processed, a second, over the last kRateWindow; 0 until it is
  // known.
  [[nodiscard]] double Rate() const;

  // Bytes a second, likewise; 0 where nobody tells.
  [[nodiscard]] double ByteRate() const;

  // Long enough to even out batches, short enough to show that something stalls.
  static constexpr Duration kRateWindow = std::chrono::seconds(10);

 private:
  struct Sample {
    Instant time;
    std::int64_t processed;  // ok + failed − resumed
    std::int64_t bytes;      // read for them
  };

  [[nodiscard]] double RateOf(std::int64_t Sample::*what) const;
  [[nodiscard]] std::int64_t Ended() const;
  [[nodiscard]] std::string Total() const;
  // "ETA 0:06"; "ETA >0:06" while the scan still finds more; "" where the rate is not known yet.
  [[nodiscard]] std::string Eta() const;
  // The parts after the count, in their order of importance.
  [[nodiscard]] std::vector<std::string> Facts() const;

  wire::RunStatus run_;
  std::vector<wire::StageStatus> stages_;
  bool in_trouble_ = false;
  std::int64_t bytes_ = 0;
  std::deque<Sample> samples_;
};

// The stage whose workers are busiest, where one is busy more than half of its time; "" otherwise.
std::string LimitingStage(const std::vector<wire::StageStatus>& stages);

// "1,234,567"
std::string Grouped(std::int64_t number);

// "0:06", "12:34", "1:02:03"
std::string ClockText(Duration duration);

}  // namespace millrace::cli
