#include "cli/check/stream_output.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

constexpr std::size_t kMaxWaiting = 4u << 20;  // then the broker is not asked for more

std::string KeyOf(const FileVerdict& verdict) { return verdict.input + '\0' + verdict.path; }

// As it will stand in verdicts.jsonl, or else in failed.jsonl.
Result<FileVerdict> VerdictOf(const wire::EndedItem& item) {
  if (!item.record.empty()) return ReadVerdict(item.record);
  FileVerdict verdict{.path = item.path, .code = item.code, .detail = item.text};
  if (item.code.empty()) return Fail(ErrorCode::kProtocol, "a file without a verdict");
  if (verdict.code == "empty") verdict.bytes = 0;
  return verdict;
}

}  // namespace

void StreamOutput::Begin(const CheckTarget& target, const std::string& folder) {
  target_ = target;
  folder_ = folder;
}

std::int64_t StreamOutput::Take(const wire::EndedItem& item) {
  if (!options_.stream) return JsonIntegerMember(item.record, "bytes").value_or(0);
  auto verdict = VerdictOf(item);
  if (!verdict) return 0;  // the run's files tell of it at the end
  const std::int64_t bytes = verdict->bytes.value_or(0);
  verdict->input = folder_;
  const auto told = target_.AsAsked(*std::move(verdict));
  const auto line = told ? ResultLine(options_, several_, *told) : std::nullopt;
  if (line && printed_.insert(KeyOf(*told)).second) buffer_ += *line + '\n';
  return bytes;
}

Result<bool> StreamOutput::Ready() {
  pollfd out{fd_, POLLOUT, 0};
  // A pipe that is ready takes PIPE_BUF bytes without waiting.
  while (!buffer_.empty() && poll(&out, 1, 0) > 0) RETURN_IF_ERROR(WriteSome());
  return buffer_.size() < kMaxWaiting;
}

Result<void> StreamOutput::Flush() {
  while (!buffer_.empty()) RETURN_IF_ERROR(WriteSome());
  return {};
}

Result<void> StreamOutput::WriteSome() {
  const ssize_t count = write(fd_, buffer_.data(), std::min<std::size_t>(buffer_.size(), PIPE_BUF));
  if (count >= 0) {
    buffer_.erase(0, static_cast<std::size_t>(count));
  } else if (errno != EINTR && errno != EAGAIN) {
    const int error = errno;
    buffer_.clear();
    return Fail(ErrorCode::kWriteFailed, "cannot write to stdout: " + ErrnoText(error));
  }
  return {};
}

bool StreamOutput::Printed(const FileVerdict& verdict) const {
  return printed_.contains(KeyOf(verdict));
}

}  // namespace millrace::cli
