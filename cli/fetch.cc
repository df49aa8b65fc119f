#include "cli/fetch.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/sha256.h"
#include "common/os/atomic_file.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr long kConnectTimeoutSeconds = 5;
constexpr long kStandstillSeconds = 30;

struct Transfer {
  AtomicFile& file;
  const FetchRequest& request;
  std::int64_t resumed_from;
  std::optional<WriteError> write_error = {};
  bool stopped = false;
};

std::size_t OnData(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  auto written = transfer.file.Append(std::string_view(data, size * count));
  if (written) return size * count;
  transfer.write_error = std::move(written).error();
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
Result<void> Download(const std::string& url, AtomicFile& file, const FetchRequest& request) {
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
  if (transfer.write_error) return Fail(*transfer.write_error);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // The server cannot go on from there (no ranges; or 416, which curl takes for "nothing is left"):
  // once more, from the start.
  if (transfer.resumed_from > 0 && (code == CURLE_RANGE_ERROR || status == 416)) {
    RETURN_IF_ERROR(file.Clear());
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

Result<void> CopyLocal(const std::string& source, AtomicFile& file) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(source));
  std::ifstream stream(path, std::ios::binary);
  if (!stream || fs::is_directory(path)) {
    return Fail(ErrorCode::kNotFound, fmt::format("cannot read {}", path));
  }
  RETURN_IF_ERROR(file.Clear());
  std::vector<char> chunk(1 << 20);
  while (stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) ||
         stream.gcount() > 0) {
    RETURN_IF_ERROR(
        file.Append(std::string_view(chunk.data(), static_cast<std::size_t>(stream.gcount()))));
  }
  return {};
}

Result<void> CheckHash(AtomicFile& file, const std::string& source, const std::string& wanted) {
  ASSIGN_OR_RETURN(const std::string unfinished, file.Unfinished());
  ASSIGN_OR_RETURN(const std::string got, Sha256OfFile(unfinished));
  if (got == wanted) return {};
  return Fail(ErrorCode::kCorrupt,
              fmt::format("what came from {} is not the published file: its SHA-256 is {}, not {}",
                          source, got, wanted));
}

// Fills the part file from one source and checks it.
Result<void> FetchFrom(const std::string& source, AtomicFile& file, const FetchRequest& request) {
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
  RETURN_IF_ERROR(file.Clear());
  RETURN_IF_ERROR(Download(source, file, request));
  return CheckHash(file, source, request.sha256);
}

}  // namespace

Result<void> Fetch(const FetchRequest& request) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Resume(request.destination));
  const auto publish = [&file]() -> Result<void> {
    RETURN_IF_ERROR(file.Publish());
    return {};
  };
  // An earlier fetch may have been stopped between the last byte and the rename.
  if (file.size() > 0 && CheckHash(file, "", request.sha256)) return publish();
  Error last{ErrorCode::kUsage, "no source to fetch from"};
  for (const std::string& source : request.sources) {
    const Result<void> fetched = FetchFrom(source, file, request);
    if (fetched) return publish();
    last = fetched.error();
    if (last.code == ErrorCode::kWriteFailed || last.code == ErrorCode::kTimeout) break;
    if (last.code == ErrorCode::kCorrupt && !file.Clear()) break;
  }
  if (file.size() == 0) file.Discard();
  return Fail(std::move(last));
}

}  // namespace millrace::cli
