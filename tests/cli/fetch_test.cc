#include "cli/fetch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <csignal>
#include <filesystem>

#include "cli/logged_child.h"
#include "common/base/clock.h"
#include "common/base/sha256.h"
#include "common/os/unique_fd.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

// range_server.py as a child.
class Server {
 public:
  explicit Server(const std::string& folder, std::vector<std::string> options = {})
      : child_(LoggedChild::Start("server", {.executable = "/usr/bin/python3",
                                             .arguments = Arguments(folder, std::move(options)),
                                             .environment = {},
                                             .capture_stderr = true,
                                             .ignore_interrupt = false})
                   .value()) {
    const SteadyClock clock;
    const Instant deadline = clock.Now() + std::chrono::seconds(20);
    while (requests_.empty() && clock.Now() < deadline) Read(100);
    REQUIRE(!requests_.empty());
    port_ = requests_.front().substr(std::string("port ").size());
    requests_.clear();
  }

  [[nodiscard]] std::string Url(const std::string& file) const {
    return "http://127.0.0.1:" + port_ + "/" + file;
  }
  // "/model.pth bytes=100-" for each request so far.
  const std::vector<std::string>& Requests() {
    Read(0);
    return requests_;
  }
  void Stop() {
    child_.Kill(SIGKILL);
    while (!child_.Reap()) poll(nullptr, 0, 1);
  }

 private:
  static std::vector<std::string> Arguments(const std::string& folder,
                                            std::vector<std::string> options) {
    std::vector<std::string> arguments = {MILLRACE_SOURCE_DIR "/tests/cli/range_server.py", folder};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
  }
  void Read(int timeout_ms) {
    pollfd fd{.fd = child_.stderr_fd(), .events = POLLIN, .revents = 0};
    poll(&fd, 1, timeout_ms);
    child_.ReadLines([this](std::string_view line) { requests_.emplace_back(line); });
  }

  LoggedChild child_;
  std::string port_;
  std::vector<std::string> requests_;
};

// A published file of 300 kB, and a place to fetch it to.
struct Published {
  TempFolder folder;
  std::string bytes;
  FetchRequest request;

  Published() {
    for (int i = 0; i < 50'000; ++i) bytes += std::to_string(100'000 + i);
    folder.Write("server/model.pth", bytes);
    request.destination = folder / "models/model.pth";
    request.sha256 = Sha256OfFile(folder / "server/model.pth").value();
  }
  [[nodiscard]] std::string ServerFolder() const { return folder / "server"; }
  [[nodiscard]] std::string Part() const { return request.destination + ".part"; }
  [[nodiscard]] std::string Fetched() const { return ReadAll(request.destination); }
};

TEST_CASE("a file is fetched, checked and put in place, with its progress told") {
  Published published;
  Server server(published.ServerFolder());
  std::int64_t had = 0;
  std::int64_t whole = 0;
  published.request.sources = {server.Url("model.pth")};
  published.request.progress = [&](std::int64_t now, std::int64_t total) {
    had = now;
    whole = total;
    return true;
  };
  const auto fetched = Fetch(published.request);
  REQUIRE_MESSAGE(fetched, fetched.error().message);
  CHECK(published.Fetched() == published.bytes);
  CHECK_FALSE(fs::exists(published.Part()));
  CHECK(had == 300'000);
  CHECK(whole == 300'000);
}

TEST_CASE("a source is a URL by its scheme, in letters of any case, and else a local file") {
  Published published;
  published.folder.Write("server/a b.pth", published.bytes);
  Server server(published.ServerFolder());
  const std::string url = server.Url("model.pth");
  for (const std::string& source : {"HTTP" + url.substr(4), published.folder / "server/model.pth",
                                    "file://" + (published.folder / "server/model.pth"),
                                    "FILE://" + (published.folder / "server/a%20b.pth")}) {
    CAPTURE(source);
    published.request.sources = {source};
    const auto fetched = Fetch(published.request);
    REQUIRE_MESSAGE(fetched, fetched.error().message);
    CHECK(published.Fetched() == published.bytes);
    fs::remove(published.request.destination);
  }
  published.request.sources = {"file://another-machine/model.pth"};
  CHECK(Fetch(published.request).error().code == ErrorCode::kUsage);
  published.request.sources = {"file:///nowhere/model.pth"};
  CHECK(Fetch(published.request).error().code == ErrorCode::kNotFound);
}

TEST_CASE("a fetch that was cut short is continued where it stopped") {
  Published published;
  Server server(published.ServerFolder(), {"--cut", "100000"});
  published.request.sources = {server.Url("model.pth")};
  const auto cut = Fetch(published.request);
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(fs::exists(published.request.destination));
  REQUIRE(fs::file_size(published.Part()) == 100'000);

  REQUIRE(Fetch(published.request));
  CHECK(published.Fetched() == published.bytes);
  CHECK(server.Requests() == std::vector<std::string>{"/model.pth -", "/model.pth bytes=100000-"});
}

TEST_CASE("a server that cannot continue is asked for all of it") {
  Published published;
  Server server(published.ServerFolder(), {"--no-ranges"});
  published.folder.Write("models/model.pth.part", published.bytes.substr(0, 1000));
  published.request.sources = {server.Url("model.pth")};
  const auto fetched = Fetch(published.request);
  REQUIRE_MESSAGE(fetched, fetched.error().message);
  CHECK(published.Fetched() == published.bytes);
}

TEST_CASE("a part of some other file is thrown away, whatever its length") {
  for (const std::size_t size : {1000, 300'000, 400'000}) {
    CAPTURE(size);
    Published published;
    Server server(published.ServerFolder());
    published.folder.Write("models/model.pth.part", std::string(size, 'x'));
    published.request.sources = {server.Url("model.pth")};
    const auto fetched = Fetch(published.request);
    REQUIRE_MESSAGE(fetched, fetched.error().message);
    CHECK(published.Fetched() == published.bytes);
  }
}

TEST_CASE("a complete part needs no server") {
  Published published;
  published.folder.Write("models/model.pth.part", published.bytes);
  published.request.sources = {"http://127.0.0.1:1/model.pth"};
  CHECK(Fetch(published.request));
  CHECK(published.Fetched() == published.bytes);
}

TEST_CASE("a file with another hash never appears under its name") {
  Published published;
  Server server(published.ServerFolder());
  published.request.sources = {server.Url("model.pth")};
  published.request.sha256 = std::string(64, '0');
  const auto fetched = Fetch(published.request);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code == ErrorCode::kCorrupt);
  CHECK(fetched.error().message.find(published.request.sha256) != std::string::npos);
  CHECK_FALSE(fs::exists(published.request.destination));
  CHECK_FALSE(fs::exists(published.Part()));
}

TEST_CASE("a page that says the file is missing is no file") {
  Published published;
  Server server(published.ServerFolder());
  published.request.sources = {server.Url("other.pth")};
  const auto fetched = Fetch(published.request);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().message.find("404") != std::string::npos);
  CHECK_FALSE(fs::exists(published.Part()));
}

TEST_CASE("the next source is tried where one does not answer") {
  Published published;
  Server gone(published.ServerFolder());
  Server server(published.ServerFolder());
  published.request.sources = {gone.Url("model.pth"), server.Url("model.pth")};
  gone.Stop();
  CHECK(Fetch(published.request));
}

TEST_CASE("where no source answers, that is said with its address") {
  Published published;
  Server gone(published.ServerFolder());
  published.request.sources = {gone.Url("model.pth")};
  gone.Stop();
  const auto fetched = Fetch(published.request);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code == ErrorCode::kUnavailable);
  CHECK(fetched.error().message.find(gone.Url("model.pth")) != std::string::npos);
}

TEST_CASE("a local file is copied, and checked as well") {
  Published published;
  published.request.sources = {published.folder / "server/model.pth"};
  REQUIRE(Fetch(published.request));
  CHECK(published.Fetched() == published.bytes);
  published.request.sources = {published.folder / "nothing"};
  CHECK(Fetch(published.request).error().code == ErrorCode::kNotFound);
}

TEST_CASE("a second fetch of the same destination is refused while the first goes on") {
  Published published;
  const std::string part = published.folder.Write("models/model.pth.part", "");
  const UniqueFd held(open(part.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(flock(held.get(), LOCK_EX | LOCK_NB) == 0);
  published.request.sources = {published.folder / "server/model.pth"};
  CHECK(Fetch(published.request).error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace millrace::cli
