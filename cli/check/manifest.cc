#include "cli/check/manifest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/json_text.h"
#include "common/base/text_reader.h"

namespace millrace::cli {
namespace {

constexpr std::int64_t kReadBytes = 1 << 20;

std::string RecordLine(const MoveRecord& record) {
  return fmt::format(
      R"({{"input": "{}", "path": "{}", "to": "{}", "code": "{}", "bytes": {}, "mtime_ns": {}}})",
      JsonEscapeBytes(record.input), JsonEscapeBytes(record.path), JsonEscapeBytes(record.to),
      JsonEscapeBytes(record.code), record.stamp.bytes, record.stamp.mtime_ns);
}

Result<MoveRecord> ReadRecord(std::string_view line) {
  MoveRecord record;
  ASSIGN_OR_RETURN(record.input, JsonTextMember(line, "input"));
  ASSIGN_OR_RETURN(record.path, JsonTextMember(line, "path"));
  ASSIGN_OR_RETURN(record.to, JsonTextMember(line, "to"));
  ASSIGN_OR_RETURN(record.code, JsonTextMember(line, "code"));
  ASSIGN_OR_RETURN(record.stamp.bytes, JsonIntegerMember(line, "bytes"));
  ASSIGN_OR_RETURN(record.stamp.mtime_ns, JsonIntegerMember(line, "mtime_ns"));
  return record;
}

}  // namespace

Result<Manifest> Manifest::OpenToAdd(const std::string& folder) {
  if (const auto made = MakeFolders(folder); !made) return Fail(made.error());
  std::string path = folder + '/' + std::string(kManifestName);
  UniqueFd file(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
  const int opened = errno;
  Manifest manifest(std::move(path), std::move(file));
  if (!manifest.file_.valid()) return Fail(manifest.Cannot("write", opened));
  RETURN_IF_ERROR(manifest.Lock());
  // The folder too, or a power cut takes the manifest and leaves what was moved.
  if (const auto synced = SyncFolder(folder); !synced) {
    return Fail(static_cast<const Error&>(synced.error()));
  }
  // Behind a half-written line a new one begins.
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> offsets, manifest.LineOffsets());
  struct stat status {};
  if (fstat(manifest.file_.get(), &status) != 0) return Fail(manifest.Cannot("read", errno));
  if (status.st_size > offsets.back() && write(manifest.file_.get(), "\n", 1) != 1) {
    return Fail(manifest.Cannot("write", errno));
  }
  if (const std::size_t lines = offsets.size() - 1; lines > 0) {
    const std::int64_t start = offsets[lines - 1];
    ASSIGN_OR_RETURN(const std::string line, manifest.Read(start, offsets[lines] - start - 1));
    if (auto record = ReadRecord(line)) manifest.last_ = *std::move(record);
  }
  return manifest;
}

Result<Manifest> Manifest::OpenToRead(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const int opened = errno;
  Manifest manifest(path, std::move(file));
  if (!manifest.file_.valid()) {
    Error error = manifest.Cannot("read", opened);
    error.code = opened == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnreadable;
    return Fail(std::move(error));
  }
  struct stat status {};
  if (fstat(manifest.file_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kUsage, path + " is no manifest of --quarantine");
  }
  // Its lines are read from the end and by their places: one of them would be passed over.
  ASSIGN_OR_RETURN(const std::string head, manifest.Read(0, 4));
  if (const std::string_view mark = TextMarkName(head); !mark.empty()) {
    return Fail(ErrorCode::kUsage, fmt::format("{} begins with the byte order mark of {}: another "
                                               "program has written it; save it as UTF-8 without",
                                               path, mark));
  }
  RETURN_IF_ERROR(manifest.Lock());
  return manifest;
}

Result<void> Manifest::Add(const MoveRecord& record) {
  const std::string line = RecordLine(record) + '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(file_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Fail(Cannot("write", errno));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fdatasync(file_.get()) != 0) return Fail(Cannot("write", errno));
  return {};
}

Result<void> Manifest::ForEachBackwards(
    const std::function<Result<void>(const MoveRecord& record)>& take) const {
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> offsets, LineOffsets());
  // None at all, or none but a half-written one.
  ASSIGN_OR_RETURN(const std::string start, Read(0, 1));
  bool any = offsets.size() == 1 && (start.empty() || start == "{");
  for (std::size_t i = offsets.size() - 1; i > 0; --i) {
    ASSIGN_OR_RETURN(const std::string line, Read(offsets[i - 1], offsets[i] - offsets[i - 1] - 1));
    const auto record = ReadRecord(line);
    if (!record) continue;
    any = true;
    RETURN_IF_ERROR(take(*record));
  }
  if (!any) return Fail(ErrorCode::kUsage, path_ + " is no manifest of --quarantine");
  return {};
}

Result<void> Manifest::Lock() const {
  if (flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) {
    return Fail(ErrorCode::kUnavailable, "another process is working with " + path_);
  }
  return Fail(Cannot("lock", errno));
}

Result<std::vector<std::int64_t>> Manifest::LineOffsets() const {
  std::vector<std::int64_t> offsets = {0};
  for (std::int64_t at = 0;;) {
    ASSIGN_OR_RETURN(const std::string bytes, Read(at, kReadBytes));
    if (bytes.empty()) return offsets;
    for (std::size_t end = bytes.find('\n'); end != std::string::npos;
         end = bytes.find('\n', end + 1)) {
      offsets.push_back(at + static_cast<std::int64_t>(end) + 1);
    }
    at += static_cast<std::int64_t>(bytes.size());
  }
}

Result<std::string> Manifest::Read(std::int64_t offset, std::int64_t count) const {
  std::string bytes(static_cast<std::size_t>(count), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = pread(file_.get(), bytes.data() + filled, bytes.size() - filled,
                              offset + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(Cannot("read", errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Error Manifest::Cannot(const char* what, int error_number) const {
  return {ErrorCode::kWriteFailed,
          fmt::format("cannot {} the manifest {}: {}", what, path_, ErrnoText(error_number))};
}

}  // namespace millrace::cli
