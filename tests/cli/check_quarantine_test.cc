// Moving, deleting and moving back: nothing is lost, whatever is in the way and wherever it stops.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "cli/check/deletion.h"
#include "cli/check/quarantine.h"
#include "cli/check/undo.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTime = 1'600'000'000 * kSecond + 987'654'321;
constexpr mode_t kMode = 0640;

void SetTime(const std::string& path, std::int64_t mtime_ns) {
  const timespec time{mtime_ns / kSecond, mtime_ns % kSecond};
  const timespec times[2] = {time, time};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

struct stat Look(const std::string& path) {
  struct stat status {};
  REQUIRE_MESSAGE(lstat(path.c_str(), &status) == 0, path);
  return status;
}

// All files of a folder, by their relative paths.
std::map<std::string, std::string> FilesOf(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files[entry.path().lexically_relative(folder).string()] = ReadAll(entry.path());
    }
  }
  files.erase(std::string(kManifestName));
  return files;
}

// INPUT and a quarantine, on one file system or on two.
class World {
 public:
  explicit World(bool two_file_systems = false) {
    if (two_file_systems) {
      std::string name = "/dev/shm/millrace-test-XXXXXX";
      if (mkdtemp(name.data()) != nullptr) elsewhere_ = name;
      if (elsewhere_ && Look(*elsewhere_).st_dev == Look(folder_.path()).st_dev) RemoveElsewhere();
      two_file_systems_ = elsewhere_.has_value();
    }
    fs::create_directories(input());
  }
  ~World() { RemoveElsewhere(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] bool two_file_systems() const { return two_file_systems_; }
  [[nodiscard]] std::string input() const { return folder_ / "photos"; }
  [[nodiscard]] std::string quarantine() const {
    return elsewhere_ ? *elsewhere_ + "/q" : folder_ / "q";
  }

  // A broken file of INPUT, and its verdict.
  [[nodiscard]] FileVerdict Broken(const std::string& path, const std::string& bytes,
                                   std::int64_t mtime_ns = kTime) const {
    const std::string written = folder_.Write("photos/" + path, bytes);
    REQUIRE(chmod(written.c_str(), kMode) == 0);
    SetTime(written, mtime_ns);
    FileVerdict verdict;
    verdict.input = input();
    verdict.path = path;
    verdict.code = "corrupt";
    verdict.bytes = static_cast<std::int64_t>(bytes.size());
    verdict.mtime_ns = mtime_ns;
    return verdict;
  }

  [[nodiscard]] ActResult Move(
      const FileVerdict& verdict, OnStep on_step = [](std::string_view) {}) const {
    auto opened = Quarantine::Open(quarantine(), QuarantineFolders({input()}), std::move(on_step));
    REQUIRE(opened);
    const auto moved = opened->Move(verdict);
    REQUIRE(moved);
    return *moved;
  }

  // What became of each record, the last one first.
  std::vector<ActResult> Undo(const OnStep& on_step = [](std::string_view) {}) const {
    std::vector<ActResult> results;
    const auto manifest = Manifest::OpenToRead(quarantine() + "/manifest.jsonl");
    REQUIRE(manifest);
    REQUIRE(manifest->ForEachBackwards([&](const MoveRecord& record) {
      results.push_back(MoveBack(quarantine(), record, on_step));
      return Result<void>();
    }));
    return results;
  }

  void CheckOriginal(const std::string& path, const std::string& bytes) const {
    CHECK(ReadAll(input() + '/' + path) == bytes);
    const struct stat status = Look(input() + '/' + path);
    CHECK(StampOf(status).mtime_ns == kTime);
    CHECK((status.st_mode & 07777) == kMode);
  }

 private:
  void RemoveElsewhere() {
    if (elsewhere_) fs::remove_all(*elsewhere_);
    elsewhere_.reset();
  }

  TempFolder folder_;
  std::optional<std::string> elsewhere_;
  bool two_file_systems_ = false;
};

// Runs `act` in a child that is killed at its step number `last`, counted from 1; whether it was.
bool KilledAt(int last, const std::function<void(const OnStep& on_step)>& act) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    act([&last](std::string_view) {
      if (--last == 0) _exit(9);
    });
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status) == 9;
}

using Files = std::map<std::string, std::string>;

TEST_CASE("a file is moved with its path, time and mode, and back again") {
  for (const bool two : {false, true}) {
    const World world(two);
    const FileVerdict broken = world.Broken("a/b\xff.jpg", "half");
    const ActResult moved = world.Move(broken);
    CHECK(moved.what == ActionResult::kDone);
    CHECK(FilesOf(world.input()).empty());
    CHECK(FilesOf(world.quarantine()) == Files{{"a/b\xff.jpg", "half"}});
    CHECK(StampOf(Look(world.quarantine() + "/a/b\xff.jpg")).mtime_ns == kTime);
    const auto undone = world.Undo();
    REQUIRE(undone.size() == 1);
    CHECK(undone[0].what == ActionResult::kDone);
    world.CheckOriginal("a/b\xff.jpg", "half");
    CHECK(FilesOf(world.quarantine()).empty());
  }
}

TEST_CASE("nothing in the quarantine is overwritten") {
  for (const bool two : {false, true}) {
    const World world(two);
    CHECK(world.Move(world.Broken("a.jpg", "first")).what == ActionResult::kDone);
    CHECK(world.Move(world.Broken("a.jpg", "second")).what == ActionResult::kDone);
    CHECK(world.Move(world.Broken("a.jpg", "third")).what == ActionResult::kDone);
    CHECK(FilesOf(world.quarantine()) ==
          Files{{"a.jpg", "first"}, {"a.1.jpg", "second"}, {"a.2.jpg", "third"}});
    // The last one was the last to have the name: it gets it back, and the others stay safe.
    const auto undone = world.Undo();
    REQUIRE(undone.size() == 3);
    CHECK(undone[0].what == ActionResult::kDone);
    CHECK(undone[1].what == ActionResult::kLeftAlone);
    world.CheckOriginal("a.jpg", "third");
    CHECK(FilesOf(world.quarantine()) == Files{{"a.jpg", "first"}, {"a.1.jpg", "second"}});
  }
}

TEST_CASE("twins are moved each, and moved back each") {
  for (const bool two : {false, true}) {
    const World world(two);
    // Copies of one tree, one after the other into one quarantine: the same path, bytes and time.
    std::vector<std::string> inputs;
    for (const char* name : {"photos", "backup"}) {
      FileVerdict broken = world.Broken("a.jpg", "half");
      const std::string input = fs::path(world.input()).parent_path() / name;
      if (input != world.input()) fs::rename(world.input(), input);
      broken.input = input;
      auto quarantine = Quarantine::Open(world.quarantine(), QuarantineFolders({input}));
      REQUIRE(quarantine);
      CHECK(quarantine->Move(broken)->what == ActionResult::kDone);
      inputs.push_back(input);
    }
    CHECK(FilesOf(world.quarantine()) == Files{{"a.jpg", "half"}, {"a.1.jpg", "half"}});
    for (const ActResult& undone : world.Undo()) CHECK(undone.what == ActionResult::kDone);
    for (const std::string& input : inputs) CHECK(FilesOf(input) == Files{{"a.jpg", "half"}});
    CHECK(FilesOf(world.quarantine()).empty());
  }
}

// An attribute that every one of these files can have; nullptr where there is none.
const char* AttributeOf(const std::vector<std::string>& files) {
  for (const char* name : {"user.tag", "trusted.tag"}) {  // tmpfs may know only the second, root's
    if (std::all_of(files.begin(), files.end(), [name](const std::string& file) {
          return setxattr(file.c_str(), name, "probe", 5, 0) == 0;
        })) {
      return name;
    }
  }
  return nullptr;
}

TEST_CASE("extended attributes go with the file, there and back") {
  for (const bool two : {false, true}) {
    const World world(two);
    const FileVerdict broken = world.Broken("a.jpg", "half");
    const std::string path = world.input() + "/a.jpg";
    fs::create_directories(world.quarantine());
    const std::string probe = world.quarantine() + "/probe";
    std::ofstream(probe).flush();
    const char* name = AttributeOf({path, probe});
    if (name == nullptr) {
      MESSAGE("there are no attributes here");
      return;
    }
    const std::string value = "holiday";
    REQUIRE(setxattr(path.c_str(), name, value.data(), value.size(), 0) == 0);
    const auto has_it = [&](const std::string& file) {
      std::string found(value.size(), '\0');
      const ssize_t bytes = getxattr(file.c_str(), name, found.data(), found.size());
      return bytes == static_cast<ssize_t>(value.size()) && found == value;
    };
    REQUIRE(world.Move(broken).what == ActionResult::kDone);
    CHECK(has_it(world.quarantine() + "/a.jpg"));
    REQUIRE(world.Undo().at(0).what == ActionResult::kDone);
    CHECK(has_it(path));
  }
}

TEST_CASE("what cannot be taken out of its folder is not left in the quarantine") {
  for (const bool two : {false, true}) {
    const World world(two);
    const FileVerdict broken = world.Broken("a.jpg", "half");
    fs::create_directories(world.quarantine());
    REQUIRE(chmod(world.quarantine().c_str(), 0777) == 0);
    REQUIRE(chmod(world.input().c_str(), 0555) == 0);
    REQUIRE(chmod((world.input() + "/a.jpg").c_str(), 0444) == 0);
    fs::permissions(fs::path(world.input()).parent_path(), fs::perms::others_exec,
                    fs::perm_options::add);
    if (world.two_file_systems()) {
      fs::permissions(fs::path(world.quarantine()).parent_path(), fs::perms::others_exec,
                      fs::perm_options::add);
    }
    const pid_t child = fork();  // root may do all: as nobody
    REQUIRE(child >= 0);
    if (child == 0) {
      constexpr uid_t kNobody = 65534;
      // Without root's other groups, too: their rights would come before those of all others.
      if (geteuid() == 0 &&
          (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0)) {
        _exit(2);
      }
      for (int attempt = 0; attempt < 2; ++attempt) {
        if (world.Move(broken).what != ActionResult::kFailed) _exit(1);
      }
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    REQUIRE(chmod(world.input().c_str(), 0755) == 0);
    CHECK(FilesOf(world.input()) == Files{{"a.jpg", "half"}});
    CHECK(FilesOf(world.quarantine()).empty());
  }
}

TEST_CASE("a file that is not what was judged is left alone") {
  const World world;
  const FileVerdict broken = world.Broken("a.jpg", "half");
  const std::string path = world.input() + "/a.jpg";
  const auto left_alone = [&] {
    CHECK(world.Move(broken).what == ActionResult::kLeftAlone);
    CHECK(DeleteFile(broken).what == ActionResult::kLeftAlone);
    CHECK(fs::exists(fs::symlink_status(path)));
  };
  SUBCASE("another size") {
    std::ofstream(path, std::ios::app) << "!";
    SetTime(path, kTime);
    left_alone();
  }
  SUBCASE("another time") {
    SetTime(path, kTime + 1);
    left_alone();
  }
  SUBCASE("a link in its place") {
    fs::rename(path, world.input() + "/b.jpg");
    fs::create_symlink("b.jpg", path);
    left_alone();
  }
  SUBCASE("a link on the way") {
    fs::rename(world.input(), world.input() + "-moved");
    fs::create_directories(world.input());
    fs::create_directory_symlink(world.input() + "-moved", world.input() + "/sub");
    FileVerdict behind = broken;
    behind.path = "sub/a.jpg";
    CHECK(world.Move(behind).what == ActionResult::kLeftAlone);
    CHECK(DeleteFile(behind).what == ActionResult::kLeftAlone);
    CHECK(fs::exists(world.input() + "-moved/a.jpg"));
  }
  SUBCASE("a folder in its place") {
    fs::remove(path);
    fs::create_directory(path);
    left_alone();
  }
  SUBCASE("nothing in its place") {
    fs::remove(path);
    CHECK(world.Move(broken).what == ActionResult::kGone);
    CHECK(DeleteFile(broken).what == ActionResult::kGone);
  }
}

TEST_CASE("a file that has lost no pixels is left alone") {
  const World world;
  FileVerdict sound = world.Broken("a.jpg", "whole");
  for (const char* code : {"ok", "trailing-data", "extension-mismatch", "bad-metadata",
                           "unreadable", "unsupported-format", "too-large", "timeout",
                           "worker-died", "suspicious", "preview-only", "not-an-image", ""}) {
    sound.code = code;
    CHECK_MESSAGE(world.Move(sound).what == ActionResult::kLeftAlone, code);
    CHECK_MESSAGE(DeleteFile(sound).what == ActionResult::kLeftAlone, code);
  }
  CHECK(FilesOf(world.input()) == Files{{"a.jpg", "whole"}});
}

TEST_CASE("a move looks at the file itself, too") {
  const World world;
  [[maybe_unused]] const FileVerdict broken = world.Broken("a.jpg", "half");
  const auto from = OpenDirEntry(world.input(), "a.jpg");
  const auto to = MakeDirEntry(world.quarantine(), "a.jpg");
  REQUIRE(from);
  REQUIRE(to);
  const auto ignore = [](std::string_view) {};
  CHECK(MoveFile(*from, {4, kTime + 1}, *to, ignore).what == Moved::kChanged);
  CHECK(FilesOf(world.input()) == Files{{"a.jpg", "half"}});
  CHECK(MoveFile(*from, {4, kTime}, *to, ignore).what == Moved::kMoved);
}

TEST_CASE("a path that leads out of INPUT is not followed") {
  const World world;
  FileVerdict broken = world.Broken("a.jpg", "half");
  broken.input = world.input() + "/sub";
  fs::create_directory(broken.input);
  for (const char* path : {"../a.jpg", "/a.jpg", "", ".", "x/../../a.jpg"}) {
    broken.path = path;
    CHECK_MESSAGE(DeleteFile(broken).what == ActionResult::kFailed, path);
  }
  CHECK(fs::exists(world.input() + "/a.jpg"));
}

TEST_CASE("an empty file without a time must still be empty") {
  const World world;
  FileVerdict empty = world.Broken("a.jpg", "");
  empty.code = "empty";
  empty.mtime_ns.reset();
  SUBCASE("it is") { CHECK(DeleteFile(empty).what == ActionResult::kDone); }
  SUBCASE("it is not") {
    std::ofstream(world.input() + "/a.jpg") << "now it has bytes";
    CHECK(DeleteFile(empty).what == ActionResult::kLeftAlone);
  }
  SUBCASE("another code needs a time") {
    empty.code = "truncated";
    CHECK(DeleteFile(empty).what == ActionResult::kLeftAlone);
  }
}

TEST_CASE("a file whose place in the quarantine is its own stays there") {
  const World world;
  const FileVerdict broken = world.Broken("a.jpg", "half");
  auto same = Quarantine::Open(world.input(), QuarantineFolders({world.input()}));
  REQUIRE(same);
  CHECK(same->Move(broken)->what == ActionResult::kLeftAlone);
  CHECK(FilesOf(world.input()) == Files{{"a.jpg", "half"}});
}

TEST_CASE("another file in the place of the original is not replaced by --undo") {
  const World world;
  REQUIRE(world.Move(world.Broken("a.jpg", "half")).what == ActionResult::kDone);
  const auto ignored = world.Broken("a.jpg", "new!");
  CHECK(world.Undo().at(0).what == ActionResult::kLeftAlone);
  CHECK(FilesOf(world.input()) == Files{{"a.jpg", "new!"}});
  CHECK(FilesOf(world.quarantine()) == Files{{"a.jpg", "half"}});
}

TEST_CASE("--undo makes folders again that are gone") {
  const World world;
  REQUIRE(world.Move(world.Broken("a/b/c.jpg", "half")).what == ActionResult::kDone);
  fs::remove_all(world.input());
  CHECK(world.Undo().at(0).what == ActionResult::kDone);
  world.CheckOriginal("a/b/c.jpg", "half");
}

TEST_CASE("a quarantine that was moved can be undone from where it is") {
  const World world;
  REQUIRE(world.Move(world.Broken("a.jpg", "half")).what == ActionResult::kDone);
  const std::string moved = world.quarantine() + "-moved";
  fs::rename(world.quarantine(), moved);
  const auto manifest = Manifest::OpenToRead(moved + "/manifest.jsonl");
  REQUIRE(manifest);
  REQUIRE(manifest->ForEachBackwards([&](const MoveRecord& record) {
    CHECK(MoveBack(moved, record).what == ActionResult::kDone);
    return Result<void>();
  }));
  world.CheckOriginal("a.jpg", "half");
}

// One file is moved by a process that is killed at step `last`; then the move is made again, or
// not, and undone. Whether it was killed.
bool MoveInterrupted(const World& world, int last, bool go_on) {
  const FileVerdict broken = world.Broken("a/b.jpg", "half");
  const bool killed = KilledAt(last, [&](const OnStep& on_step) {
    [[maybe_unused]] const ActResult moved = world.Move(broken, on_step);
  });
  CAPTURE(last);
  CAPTURE(go_on);
  const bool there = FilesOf(world.input()).contains("a/b.jpg");
  CHECK((there || FilesOf(world.quarantine()).contains("a/b.jpg")));
  if (go_on) {
    CHECK(world.Move(broken).what == (there ? ActionResult::kDone : ActionResult::kGone));
    CHECK(FilesOf(world.input()).empty());
    CHECK(FilesOf(world.quarantine()) == Files{{"a/b.jpg", "half"}});
  }
  world.Undo();
  CHECK(FilesOf(world.input()) == Files{{"a/b.jpg", "half"}});
  world.CheckOriginal("a/b.jpg", "half");
  CHECK_FALSE(FilesOf(world.quarantine()).contains("a/b.jpg"));
  return killed;
}

TEST_CASE("killed at any step, a move loses nothing, and the next one ends it") {
  for (const bool two : {false, true}) {
    for (const bool go_on : {false, true}) {
      int steps = 0;
      for (bool killed = true; killed; ++steps) {
        const World world(two);
        if (two && !world.two_file_systems()) {
          MESSAGE("there is no second file system here");
          return;
        }
        killed = MoveInterrupted(world, steps + 1, go_on);
      }
      CHECK(steps >= (two ? 6 : 3));  // the last of them was not killed
    }
  }
}

TEST_CASE("killed at any step, moving back loses nothing, and the next one ends it") {
  for (const bool two : {false, true}) {
    int steps = 0;
    for (bool killed = true; killed; ++steps) {
      const World world(two);
      if (two && !world.two_file_systems()) return;
      REQUIRE(world.Move(world.Broken("a/b.jpg", "half")).what == ActionResult::kDone);
      killed = KilledAt(steps + 1, [&](const OnStep& on_step) { world.Undo(on_step); });
      CAPTURE(two);
      CAPTURE(steps);
      world.Undo();
      CHECK(FilesOf(world.input()) == Files{{"a/b.jpg", "half"}});
      world.CheckOriginal("a/b.jpg", "half");
      CHECK(FilesOf(world.quarantine()).empty());
    }
    CHECK(steps >= (two ? 5 : 2));
  }
}

TEST_CASE("several INPUTs have a folder each") {
  CHECK(QuarantineFolders({"/a/photos"}).at("/a/photos").empty());
  const auto folders = QuarantineFolders({"/a/photos", "/b/photos", "/"});
  CHECK(folders.at("/a/photos") == "photos");
  CHECK(folders.at("/b/photos") == "photos.2");
  CHECK(folders.at("/") == "root");
}

TEST_CASE("a number goes before the extension") {
  CHECK(NumberedName("a.b/c.tar.gz", 0) == "a.b/c.tar.gz");
  CHECK(NumberedName("a.b/c.tar.gz", 3) == "a.b/c.tar.3.gz");
  CHECK(NumberedName("name", 1) == "name.1");
  CHECK(NumberedName(".hidden", 1) == ".hidden.1");
}

}  // namespace
}  // namespace millrace::cli
