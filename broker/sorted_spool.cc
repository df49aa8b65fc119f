#include "broker/sorted_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <queue>

namespace millrace {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

Error SpoolError(const std::string& directory, const std::string& what) {
  return Error{ErrorCode::kWriteFailed, "cannot keep results in a temporary file in " + directory +
                                            ": " + what + " " + ErrnoText(errno)};
}

void AppendSize(std::string& bytes, std::size_t size) {
  const auto value = static_cast<std::uint32_t>(size);
  std::array<char, sizeof(value)> raw{};
  std::memcpy(raw.data(), &value, sizeof(value));
  bytes.append(raw.data(), raw.size());
}

}  // namespace

// Reads one stretch, entry by entry: u32 key size, u32 line size, key, line.
class SortedSpool::Cursor {
 public:
  Cursor(int fd, Stretch stretch) : fd_(fd), at_(stretch.begin), end_(stretch.end) {}

  [[nodiscard]] const Entry& entry() const { return entry_; }

  // False at the end of the stretch.
  Result<bool> Next() {
    if (at_ >= end_ && buffered() == 0) return false;
    std::uint32_t key_size = 0;
    std::uint32_t line_size = 0;
    RETURN_IF_ERROR(Read(&key_size, sizeof(key_size)));
    RETURN_IF_ERROR(Read(&line_size, sizeof(line_size)));
    entry_.key.resize(key_size);
    RETURN_IF_ERROR(Read(entry_.key.data(), key_size));
    entry_.line.resize(line_size);
    RETURN_IF_ERROR(Read(entry_.line.data(), line_size));
    return true;
  }

 private:
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - taken_; }

  Result<void> Read(void* out, std::size_t size) {
    auto* to = static_cast<char*>(out);
    while (size > 0) {
      if (buffered() == 0) RETURN_IF_ERROR(Fill());
      const std::size_t part = std::min(size, buffered());
      std::memcpy(to, buffer_.data() + taken_, part);
      taken_ += part;
      to += part;
      size -= part;
    }
    return {};
  }

  Result<void> Fill() {
    buffer_.resize(std::min<std::uint64_t>(kReadBytes, end_ - at_));
    taken_ = 0;
    const ssize_t got = pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(at_));
    if (got <= 0) {
      return Fail(ErrorCode::kInternal, "a spool file ended early: " + ErrnoText(errno));
    }
    buffer_.resize(static_cast<std::size_t>(got));
    at_ += static_cast<std::uint64_t>(got);
    return {};
  }

  int fd_;
  std::uint64_t at_;  // the next byte to read from the file
  std::uint64_t end_;
  std::string buffer_;
  std::size_t taken_ = 0;
  Entry entry_;
};

Result<void> SortedSpool::Add(std::string key, std::string line) {
  buffered_bytes_ += key.size() + line.size() + sizeof(Entry);
  buffer_.push_back({std::move(key), std::move(line)});
  ++count_;
  return buffered_bytes_ < buffer_bytes_ ? Result<void>() : Flush();
}

void SortedSpool::SortBuffer() {
  std::stable_sort(buffer_.begin(), buffer_.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
}

Result<void> SortedSpool::Flush() {
  if (!file_.valid()) {
    file_ = UniqueFd(open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file_.valid()) {  // a file system without O_TMPFILE
      std::string name = directory_ + "/spool-XXXXXX";
      file_ = UniqueFd(mkostemp(name.data(), O_CLOEXEC));
      if (!file_.valid()) return Fail(SpoolError(directory_, "open:"));
      unlink(name.c_str());
    }
  }
  SortBuffer();
  std::string bytes;
  bytes.reserve(buffered_bytes_);
  for (const Entry& entry : buffer_) {
    AppendSize(bytes, entry.key.size());
    AppendSize(bytes, entry.line.size());
    bytes += entry.key;
    bytes += entry.line;
  }
  buffer_.clear();
  buffered_bytes_ = 0;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = pwrite(file_.get(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(file_size_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Fail(SpoolError(directory_, "write:"));
    done += static_cast<std::size_t>(wrote);
  }
  stretches_.push_back({file_size_, file_size_ + bytes.size()});
  file_size_ += bytes.size();
  return {};
}

Result<void> SortedSpool::ForEach(const std::function<Result<void>(std::string_view line)>& write) {
  if (stretches_.empty()) {
    SortBuffer();
    for (const Entry& entry : buffer_) RETURN_IF_ERROR(write(entry.line));
    return {};
  }
  if (!buffer_.empty()) RETURN_IF_ERROR(Flush());
  std::vector<Cursor> cursors;
  cursors.reserve(stretches_.size());
  // Equal keys come out of the earlier stretch first.
  const auto later = [&](std::size_t a, std::size_t b) {
    const int order = cursors[a].entry().key.compare(cursors[b].entry().key);
    return order != 0 ? order > 0 : a > b;
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> heads(later);
  for (const Stretch& stretch : stretches_) {
    cursors.emplace_back(file_.get(), stretch);
    ASSIGN_OR_RETURN(const bool any, cursors.back().Next());
    if (any) heads.push(cursors.size() - 1);
  }
  while (!heads.empty()) {
    const std::size_t first = heads.top();
    heads.pop();
    RETURN_IF_ERROR(write(cursors[first].entry().line));
    ASSIGN_OR_RETURN(const bool more, cursors[first].Next());
    if (more) heads.push(first);
  }
  return {};
}

}  // namespace millrace
