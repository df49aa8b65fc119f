// What a SQLite write-ahead log holds, read by its checksums and nothing else: SQLite opens a torn
// one without a word, and what lay behind the tear is gone.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace millrace {

struct WalReport {
  std::int64_t commits = 0;       // transactions that recovery will find
  std::int64_t pages = 0;         // in them
  std::int64_t tail_pages = 0;    // of this log's, behind the last of those commits
  std::int64_t tail_commits = 0;  // ends of transactions among them: work that was confirmed
  bool header_damaged = false;
  bool page_damaged = false;  // one that is there in full
  // Confirmed work is lost; or may be, since a damaged page may have ended a transaction.
  [[nodiscard]] bool torn() const { return header_damaged || page_damaged; }
};

// The format is described at sqlite.org/fileformat2.html, "The WAL File". A missing or empty log is
// an empty report. kUnreadable where it cannot be read.
Result<WalReport> InspectWal(const std::string& path);

}  // namespace millrace
