#include "cli/fetch.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "common/base/sha256.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr long kConnectTimeoutSeconds = 5;
constexpr long kStandstillSeconds = 30;

// DESTINATION.part, open for appending and locked against a second fetch.
class PartFile {
 public:
  static Result<PartFile> Open(std::string path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return Fail(ErrorCode::kWriteFailed,
                  fmt::format("cannot write {}: {}", path, ErrnoText(errno)));
    }
    PartFile file(std::move(path), fd);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("another fetch is writing {}; wait for it", file.path_));
    }
    return file;
  }
  PartFile(PartFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  PartFile& operator=(PartFile&&) = delete;
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] std::int64_t size() const {
    struct stat info {};
    return fstat(fd_, &info) == 0 ? info.st_size : 0;
  }
  [[nodiscard]] bool Append(const char* data, std::size_t size) const {
    if (lseek(fd_, 0, SEEK_END) < 0) return false;
    while (size > 0) {
      const ssize_t written = write(fd_, data, size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      data += written;
      size -= static_cast<std::size_t>(written);
    }
    return true;
  }
  [[nodiscard]] bool Clear() const { return ftruncate(fd_, 0) == 0; }

  // Makes the bytes durable and the file appear as `destination`.
  [[nodiscard]] Result<void> Publish(const std::string& destination) const {
    if (fsync(fd_) != 0 || rename(path_.c_str(), destination.c_str()) != 0) {
      return Fail(ErrorCode::kWriteFailed,
                  fmt::format("cannot write {}: {}", destination, ErrnoText(errno)));
    }
    return {};
  }
  void Remove() const { unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  PartFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
};

struct Transfer {
  const PartFile& file;
  const FetchRequest& request;
  std::int64_t resumed_from;
  bool write_failed = false;
  bool stopped = false;
};

std::size_t OnData(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.file.Append(data, size * count)) return size * count;
  transfer.write_failed = true;
  return 0;
}

int OnProgress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.request.progress) return 0;
  const std::int64_t whole = total > 0 ? total + transfer.resumed_from : 0;
  transfer.stopped = !transfer.request.progress(now + transfer.resumed_from, whole);
  return transfer.stopped ? 1 : 0;
}

// Appends what the part file lacks. kUnavailable where the source did not give it all.
Result<void> Download(const std::string& url, const PartFile& file, const FetchRequest& request) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (curl == nullptr) return Fail(ErrorCode::kInternal, "libcurl cannot be initialised");
  Transfer transfer{.file = file, .request = request, .resumed_from = file.size()};
  CURL* const handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);  // a 404's page is no model
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "millrace");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kStandstillSeconds);
  curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(file.size()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnData);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);

  const CURLcode code = curl_easy_perform(handle);
  if (code == CURLE_OK) return {};
  if (transfer.stopped) return Fail(ErrorCode::kTimeout, "interrupted; the same command goes on");
  if (transfer.write_failed) {
    return Fail(ErrorCode::kWriteFailed,
                fmt::format("cannot write {}: {}", file.path(), ErrnoText(errno)));
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // The server cannot go on from there (no ranges; or 416, which curl takes for "nothing is left"):
  // once more, from the start.
  if (transfer.resumed_from > 0 && (code == CURLE_RANGE_ERROR || status == 416)) {
    if (!file.Clear()) return Fail(ErrorCode::kWriteFailed, "cannot truncate " + file.path());
    return Download(url, file, request);
  }
  if (status >= 400) {
    return Fail(ErrorCode::kUnavailable, fmt::format("{} answers HTTP {}", url, status));
  }
  return Fail(ErrorCode::kUnavailable, fmt::format("{}: {}", url, curl_easy_strerror(code)));
}

// As URLs have it: in letters of any case.
bool HasScheme(std::string_view source, std::string_view scheme) {
  return source.size() > scheme.size() && source.substr(scheme.size()).starts_with("://") &&
         std::equal(scheme.begin(), scheme.end(), source.begin(), [](char wanted, char got) {
           return wanted == std::tolower(static_cast<unsigned char>(got));
         });
}

// The path of a file:// URL; what is none is a path itself.
Result<std::string> PathOf(const std::string& source) {
  if (!HasScheme(source, "file")) return source;
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), &curl_url_cleanup);
  char* path = nullptr;
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, source.c_str(), 0) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_PATH, &path, CURLU_URLDECODE) != CURLUE_OK) {
    return Fail(ErrorCode::kUsage,
                fmt::format("{} names no file of this machine: write file:///PATH", source));
  }
  const std::unique_ptr<char, void (*)(void*)> owned(path, &curl_free);
  return std::string(path);
}

Result<void> CopyLocal(const std::string& source, const PartFile& file) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(source));
  std::ifstream stream(path, std::ios::binary);
  if (!stream || fs::is_directory(path)) {
    return Fail(ErrorCode::kNotFound, fmt::format("cannot read {}", path));
  }
  if (!file.Clear()) return Fail(ErrorCode::kWriteFailed, "cannot truncate " + file.path());
  std::vector<char> chunk(1 << 20);
  while (stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) ||
         stream.gcount() > 0) {
    if (!file.Append(chunk.data(), static_cast<std::size_t>(stream.gcount()))) {
      return Fail(ErrorCode::kWriteFailed,
                  fmt::format("cannot write {}: {}", file.path(), ErrnoText(errno)));
    }
  }
  return {};
}

Result<void> CheckHash(const PartFile& file, const std::string& source, const std::string& wanted) {
  ASSIGN_OR_RETURN(const std::string got, Sha256OfFile(file.path()));
  if (got == wanted) return {};
  return Fail(ErrorCode::kCorrupt,
              fmt::format("what came from {} is not the published file: its SHA-256 is {}, not {}",
                          source, got, wanted));
}

// Fills the part file from one source and checks it.
Result<void> FetchFrom(const std::string& source, const PartFile& file,
                       const FetchRequest& request) {
  const bool remote = HasScheme(source, "https") || HasScheme(source, "http");
  if (!remote) {
    RETURN_IF_ERROR(CopyLocal(source, file));
    return CheckHash(file, source, request.sha256);
  }
  const bool resumed = file.size() > 0;
  RETURN_IF_ERROR(Download(source, file, request));
  auto checked = CheckHash(file, source, request.sha256);
  if (checked || !resumed) return checked;
  // The part may have been of another file: only what came in one piece condemns the source.
  if (!file.Clear()) return Fail(ErrorCode::kWriteFailed, "cannot truncate " + file.path());
  RETURN_IF_ERROR(Download(source, file, request));
  return CheckHash(file, source, request.sha256);
}

}  // namespace

Result<void> Fetch(const FetchRequest& request) {
  std::error_code error;
  fs::create_directories(fs::path(request.destination).parent_path(), error);
  ASSIGN_OR_RETURN(const PartFile file, PartFile::Open(request.destination + ".part"));
  // An earlier fetch may have been stopped between the last byte and the rename.
  if (file.size() > 0 && CheckHash(file, "", request.sha256)) {
    return file.Publish(request.destination);
  }
  Error last{ErrorCode::kUsage, "no source to fetch from"};
  for (const std::string& source : request.sources) {
    const Result<void> fetched = FetchFrom(source, file, request);
    if (fetched) return file.Publish(request.destination);
    last = fetched.error();
    if (last.code == ErrorCode::kWriteFailed || last.code == ErrorCode::kTimeout) break;
    if (last.code == ErrorCode::kCorrupt && !file.Clear()) break;
  }
  if (file.size() == 0) file.Remove();
  return Fail(std::move(last));
}

}  // namespace millrace::cli
