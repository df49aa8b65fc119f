// One run, as the state keeps it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/records.h"
#include "common/base/ids.h"
#include "common/wire/messages.h"

namespace millrace {

enum class StoredPhase : std::uint8_t {
  kActive = 0,   // goes on when a broker starts
  kPaused = 1,   // somebody resumes it
  kStopped = 2,  // ended early; the same order goes on with it
  kDone = 3,
};

struct RunRow {
  RunId id;
  std::int64_t root = 0;
  std::int64_t generation = 0;  // of its walk; a walk that begins anew gets another
  StoredPhase phase = StoredPhase::kActive;
  RunOrder order;
  std::string cursor;  // of the scan's next chunk
  bool scan_ended = false;
  bool exhaustive = false;  // ... and named all there is
  std::int64_t resumed = 0;
  std::int64_t resumed_failed = 0;
  std::int64_t repeated = 0;
  std::int64_t submitted_s = 0;  // since 1970
  std::int64_t ended_s = 0;      // 0: it has not
  std::string final_status;      // an encoded wire::RunStatus, once it has ended
  std::string redone;            // an encoded Redone (redone.h)

  // Of all but `order`'s paths, which stand with the root; kept beside the row.
  [[nodiscard]] std::uint32_t Sum() const;
};

// A run's last status as bytes. Decode is total: "" and anything else give nothing.
std::string EncodeStatus(const wire::RunStatus& status);
std::optional<wire::RunStatus> DecodeStatus(const std::string& bytes);

}  // namespace millrace
