#include "stages/preprocess/preprocess_stage.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/base/log.h"
#include "stages/preprocess/options.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;

const fs::path kPictures = fs::path(MILLRACE_SOURCE_DIR) / "tests/golden/pictures";

class FakeContext final : public JobContext {
 public:
  void Progress() override { ++progress; }
  bool Cancelled(const Job& job) const override { return job.key == cancelled; }
  bool MayPublish(const Job&) const override { return true; }

  int progress = 0;
  std::string cancelled;
};

// A folder that is removed with its contents.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "preprocess-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  void Take(const std::string& picture, const std::string& name) const {
    fs::copy_file(kPictures / picture, path_ / name);
  }

 private:
  fs::path path_;
};

class Bench {
 public:
  explicit Bench(const fs::path& input = kPictures) {
    auto run = std::make_shared<RunInfo>();
    run->input = input.string();
    run_ = run;
  }

  Options options = Options::Defaults(PreprocessOptions());
  FakeContext context;
  bool unnamed = false;  // what the scanner says of the names

  std::vector<Outcome> Process(const std::vector<std::string>& keys) {
    auto stage = MakePreprocessStage();
    StageContext start;
    start.options = options;
    start.log = NullLogger();
    REQUIRE(stage->Start(start).has_value());
    std::vector<Job> jobs;
    for (const std::string& key : keys) {
      Job job;
      job.run = run_;
      job.key = key;
      job.meta.Set("bytes", std::int64_t{7});
      if (unnamed) job.meta.Set("unnamed", true);
      jobs.push_back(job);
    }
    return stage->Process(jobs, context);
  }
  Done Do(const std::string& key) {
    Outcome outcome = Process({key}).at(0);
    if (const auto* failed = std::get_if<Failed>(&outcome)) FAIL(key << ": " << failed->text);
    REQUIRE(std::holds_alternative<Done>(outcome));
    return std::get<Done>(std::move(outcome));
  }
  Failed Fails(const std::string& key) {
    Outcome outcome = Process({key}).at(0);
    REQUIRE(std::holds_alternative<Failed>(outcome));
    return std::get<Failed>(outcome);
  }
  std::string Skips(const std::string& key) {
    Outcome outcome = Process({key}).at(0);
    REQUIRE(std::holds_alternative<Skipped>(outcome));
    return std::get<Skipped>(outcome).reason;
  }

 private:
  std::shared_ptr<const RunInfo> run_;
};

TEST_CASE("an image becomes a part of the size asked for, with what it was beside it") {
  Bench bench;
  bench.options.Set("size.width", std::int64_t{96});
  bench.options.Set("size.height", std::int64_t{64});
  const Done done = bench.Do("jpeg-cmyk-adobe.jpg");
  REQUIRE(done.payload.size() == 1);
  const Part& image = done.payload[0];
  CHECK(image.name == "image");
  CHECK(image.dtype == DType::kUInt8);
  CHECK(image.shape == std::vector<std::int64_t>{64, 96, 3});
  CHECK(CheckPart(image).has_value());
  CHECK(done.meta.Integer("width", 0) == 403);
  CHECK(done.meta.Integer("height", 0) == 307);
  CHECK(done.meta.Text("mode") == "CMYK");
  CHECK(done.meta.Text("format") == "jpeg");
  CHECK(done.meta.Integer("orientation", 0) == 1);
  CHECK(done.meta.Integer("bytes", 0) == 7);  // what the stage before attached stays
  CHECK(done.warnings.empty());
  CHECK(bench.context.progress == 1);
}

TEST_CASE("content decides, whatever the name is") {
  const Folder folder;
  folder.Take("size-64x48.jpg", "photo-without-a-name-of-one");
  folder.Take("size-64x48.png", "a png named.jpg");
  folder.Take("size-3x2.png", "\xFF\xFE-not-utf8.png");
  Bench bench(folder.path());
  CHECK(bench.Do("photo-without-a-name-of-one").meta.Text("format") == "jpeg");
  CHECK(bench.Do("a png named.jpg").meta.Text("format") == "png");
  CHECK(bench.Do("\xFF\xFE-not-utf8.png").meta.Integer("width", 0) == 3);
}

TEST_CASE("no image fails where its name claims one and is skipped where it does not") {
  const Folder folder;
  folder.Write("text.jpg", "Dear diary, this is long enough to be more than any signature is.");
  folder.Write("empty.jpg", "");
  folder.Write("empty", "");
  folder.Write("notes.txt", "BM is not always a bitmap");
  Bench bench(folder.path());
  CHECK(bench.Fails("text.jpg").code == ErrorCode::kNotAnImage);
  CHECK_FALSE(bench.Fails("text.jpg").retryable);
  CHECK(bench.Fails("empty.jpg").code == ErrorCode::kEmpty);
  bench.unnamed = true;
  CHECK(bench.Skips("notes.txt") == "not-an-image");
  CHECK(bench.Skips("empty") == "not-an-image");
}

TEST_CASE("a FIFO, a socket, a device and a folder are skipped, never waited on") {
  const Folder folder;
  REQUIRE(mkfifo((folder.path() / "fifo.jpg").c_str(), 0600) == 0);
  fs::create_directory(folder.path() / "folder.jpg");
  fs::create_symlink("/dev/zero", folder.path() / "zero.jpg");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder.path() / "s.jpg").c_str(), sizeof address.sun_path - 1);
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  Bench bench(folder.path());
  CHECK(bench.Skips("fifo.jpg") == "not-a-file");
  CHECK(bench.Skips("folder.jpg") == "not-a-file");
  CHECK(bench.Skips("zero.jpg") == "not-a-file");
  CHECK(bench.Skips("s.jpg") == "not-a-file");
  close(socket_fd);
}

TEST_CASE("a file that has vanished fails as unreadable, for good") {
  const Folder folder;
  Bench bench(folder.path());
  const Failed failed = bench.Fails("gone.jpg");
  CHECK(failed.code == ErrorCode::kUnreadable);
  CHECK(failed.text.find("No such file") != std::string::npos);
  CHECK_FALSE(failed.retryable);
}

TEST_CASE("a file whose name claims no image is skipped where it is gone or may not be read") {
  const Folder folder;
  folder.Write("notes.txt", "a text");
  fs::permissions(folder.path() / "notes.txt", fs::perms::none);
  fs::permissions(folder.path(), fs::perms::others_exec, fs::perm_options::add);
  Bench bench(folder.path());
  bench.unnamed = true;
  CHECK(bench.Skips("gone.txt") == "unreadable");
  const WithoutPrivileges nobody;
  CHECK(bench.Skips("notes.txt") == "unreadable");
}

TEST_CASE("a read that fails with EIO may be tried again") {
  // Reading offset 0 of this file, which is a regular one, fails with EIO: nothing is mapped there.
  Bench bench("/proc/self");
  const Failed failed = bench.Fails("mem");
  CHECK(failed.code == ErrorCode::kUnreadable);
  CHECK(failed.retryable);
  bench.unnamed = true;  // it may be an image, for all that is known
  CHECK(bench.Fails("mem").retryable);
}

TEST_CASE("an input that is one file stands for its folder") {
  Bench bench(kPictures / "size-64x48.jpg");
  CHECK(bench.Do("size-64x48.jpg").meta.Integer("width", 0) == 64);
}

TEST_CASE("a cut file passes with a warning, or fails where that is asked") {
  Bench bench;
  CHECK(bench.Do("cut-40.jpg").warnings == std::vector<std::string>{"truncated"});
  bench.options.Set("truncated", std::string("fail"));
  CHECK(bench.Fails("cut-40.jpg").code == ErrorCode::kTruncated);
  CHECK(bench.Do("size-64x48.jpg").warnings.empty());
}

TEST_CASE("an orientation is reported and kept, or applied") {
  Bench bench;
  const Done kept = bench.Do("exif-6.jpg");
  CHECK(kept.warnings == std::vector<std::string>{"orientation-ignored"});
  CHECK(kept.meta.Integer("orientation", 0) == 6);
  CHECK(kept.meta.Integer("width", 0) == 120);
  bench.options.Set("orientation", std::string("apply"));
  const Done applied = bench.Do("exif-6.jpg");
  CHECK(applied.warnings.empty());
  CHECK(applied.meta.Integer("width", 0) == 80);
  CHECK(applied.meta.Integer("height", 0) == 120);
  CHECK(kept.payload[0].data.text() != applied.payload[0].data.text());
}

// A field of a little-endian TIFF directory, of one number.
std::string Field(int tag, int type, int value) {
  const auto byte = [](int number) { return std::string(1, static_cast<char>(number & 0xFF)); };
  return byte(tag) + byte(tag >> 8) + byte(type) + std::string("\0\1\0\0\0", 5) + byte(value) +
         byte(value >> 8) + std::string(2, '\0');
}

TEST_CASE("of a raw photo the preview passes, with a warning that it is one") {
  const std::string picture = Field(256, 4, 4) + Field(257, 4, 1) + Field(258, 3, 8) +
                              Field(259, 3, 1) + Field(262, 3, 1) + Field(273, 4, 8) +
                              Field(279, 4, 4);
  const auto tiff = [&](int photometric_below) {
    const std::string head("II*\0\x0C\0\0\0abcd\x08\0", 14);
    const std::string below = Field(256, 4, 4) + Field(257, 4, 1) + Field(258, 3, 8) +
                              Field(259, 3, 1) + Field(262, 3, photometric_below) +
                              Field(273, 4, 8) + Field(279, 4, 4);
    return head + picture + Field(330, 4, 14 + 8 * 12 + 4) + std::string(4, '\0') +
           std::string("\7\0", 2) + below + std::string(4, '\0');
  };
  const Folder folder;
  folder.Write("raw.nef", tiff(32803));  // a colour filter's
  folder.Write("two.tif", tiff(1));
  Bench bench(folder.path());
  const auto outcomes = bench.Process({"raw.nef", "two.tif"});
  CHECK(std::get<Done>(outcomes[0]).warnings == std::vector<std::string>{"preview-only"});
  CHECK(std::get<Done>(outcomes[1]).warnings.empty());
}

TEST_CASE("caps hold before anything is decoded") {
  Bench bench;
  bench.options.Set("max_pixels", std::int64_t{64 * 48 - 1});
  CHECK(bench.Fails("size-64x48.png").code == ErrorCode::kTooLarge);
  bench.options.Set("max_pixels", std::int64_t{64 * 48});
  bench.Do("size-64x48.png");
  bench.options.Set("max_side", std::int64_t{63});
  CHECK(bench.Fails("size-64x48.jpg").code == ErrorCode::kTooLarge);
  bench.options.Set("max_bytes", std::int64_t{64});
  CHECK(bench.Fails("size-64x48.jpg").text.find("max_bytes") != std::string::npos);
}

TEST_CASE("the whole picture travels beside the small one where asked") {
  Bench bench;
  const Done without = bench.Do("png-palette-8.png");
  bench.options.Set("original", true);
  const Done with = bench.Do("png-palette-8.png");
  REQUIRE(with.payload.size() == 2);
  CHECK(with.payload[0].name == "image");
  CHECK(with.payload[0].data.text() == without.payload[0].data.text());
  CHECK(with.payload[1].name == "original");
  CHECK(with.payload[1].shape == std::vector<std::int64_t>{37, 45, 3});
  CHECK(CheckPart(with.payload[1]).has_value());
}

TEST_CASE("one bad file costs its neighbours in the batch nothing") {
  Bench bench;
  const auto outcomes = bench.Process({"size-64x48.jpg", "gone.jpg", "size-64x48.png"});
  REQUIRE(outcomes.size() == 3);
  CHECK(std::holds_alternative<Done>(outcomes[0]));
  CHECK(std::holds_alternative<Failed>(outcomes[1]));
  CHECK(std::holds_alternative<Done>(outcomes[2]));
  CHECK(bench.context.progress == 3);
}

TEST_CASE("a job that nobody wants any more is not decoded") {
  Bench bench;
  bench.context.cancelled = "size-64x48.jpg";
  CHECK(std::holds_alternative<Failed>(bench.Process({"size-64x48.jpg"})[0]));
}

}  // namespace
}  // namespace millrace
