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
  // `strict`: of a check of that level, where all that is not ok counts as failed.
  explicit CheckSummary(bool strict = false) : strict_(strict) {}

  void Add(const FileVerdict& verdict);

  [[nodiscard]] std::int64_t ok() const { return ok_; }
  // What counts as broken (CountsAsBroken), what could not be read among it.
  [[nodiscard]] std::int64_t failed() const { return failed_; }
  // Neither: told of, and no failure at this level.
  [[nodiscard]] std::int64_t noted() const { return noted_; }
  // Nobody could tell: of files that were not read, or not in full.
  [[nodiscard]] std::int64_t no_verdict() const { return no_verdict_; }
  // What may be moved or deleted.
  [[nodiscard]] std::int64_t actable(const ActRule& rule) const;

  // "10 truncated, 2 empty": the same by code, the commonest first.
  [[nodiscard]] std::string ActableByCode(const ActRule& rule) const;

  // For people: the totals by code, `resumed` of them known from before, `skipped` files that are
  // no images, and the time.
  [[nodiscard]] std::vector<std::string> Lines(std::int64_t resumed, std::int64_t skipped,
                                               Duration took) const;

 private:
  bool strict_;
  std::int64_t ok_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t noted_ = 0;
  std::int64_t no_verdict_ = 0;
  std::map<std::string, std::int64_t> by_code_;        // of the failed ones
  std::map<std::string, std::int64_t> noted_by_code_;  // of those
};

}  // namespace millrace::cli
