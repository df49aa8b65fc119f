#include "broker/state/run_row.h"

#include <bit>

#include "broker/state/row_sum.h"
#include "common/wire/codec.h"

namespace millrace {

std::uint32_t RunRow::Sum() const {
  RowSum sum;
  sum.Add(static_cast<std::int64_t>(id.value())).Add(root).Add(generation);
  sum.Add(static_cast<std::int64_t>(phase)).Add(order.options).Add(order.stop_at_failures);
  sum.Add(std::bit_cast<std::int64_t>(order.stop_at_share)).Add(order.fresh);
  sum.Add(order.verify_outputs).Add(order.prune).Add(cursor).Add(scan_ended).Add(exhaustive);
  sum.Add(resumed).Add(resumed_failed).Add(repeated).Add(submitted_s).Add(ended_s);
  sum.Add(final_status);
  if (!redone.empty()) sum.Add(redone);  // rows of version 1 have no such column
  return sum.Value();
}

// In the form in which it travels: one reader and one writer for both.
std::string EncodeStatus(const wire::RunStatus& status) {
  const wire::Frames frames =
      wire::Encode(wire::ReplyEnvelope{1, wire::StatusReply{{status}, {}, ""}});
  return std::string(frames.at(0).text());
}

std::optional<wire::RunStatus> DecodeStatus(const std::string& bytes) {
  const std::vector<Buffer> frames = {Buffer::Copy(bytes)};
  Result<wire::ReplyEnvelope> reply = wire::DecodeReply(frames);
  if (!reply) return std::nullopt;
  auto* status = std::get_if<wire::StatusReply>(&reply->reply);
  if (status == nullptr || status->runs.size() != 1) return std::nullopt;
  return std::move(status->runs.front());
}

}  // namespace millrace
