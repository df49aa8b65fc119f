// What a check came to, in numbers: for the lines at its end and for the exit status.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/check/file_verdict.h"
#include "common/base/clock.h"

namespace millrace::cli {

class CheckSummary {
 public:
  void Add(const FileVerdict& verdict);

  [[nodiscard]] std::int64_t ok() const { return ok_; }
  // All that is not ok, what has no verdict among it.
  [[nodiscard]] std::int64_t failed() const { return failed_; }
  // Of failed: nobody could tell.
  [[nodiscard]] std::int64_t no_verdict() const { return no_verdict_; }
  // Of failed: what may be moved or deleted.
  [[nodiscard]] std::int64_t pixels_lost() const { return pixels_lost_; }

  // "10 truncated, 2 empty": what may be moved or deleted, the commonest first.
  [[nodiscard]] std::string PixelsLostByCode() const;

  // For people: the totals by code, `resumed` of them known from before, `skipped` files that are
  // no images, and the time.
  [[nodiscard]] std::vector<std::string> Lines(std::int64_t resumed, std::int64_t skipped,
                                               Duration took) const;

 private:
  std::int64_t ok_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t no_verdict_ = 0;
  std::int64_t pixels_lost_ = 0;
  std::map<std::string, std::int64_t> by_code_;  // of the failed ones
};

}  // namespace millrace::cli
