// The scanner as the broker sees it: what a chain of chunks finds.
#include "stages/scanner/scanner_stage.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "common/os/unique_fd.h"
#include "stages/scanner/checksum.h"
#include "stages/scanner/known_broken.h"
#include "tests/stages/scanner/scan_whole.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

using namespace std::string_literals;

constexpr std::string_view kJpeg = "\xff\xd8\xff\xe0 and more";
const std::string kPng = "\x89PNG\r\n\x1a\n and more, long enough for a header";

TEST_CASE("files come depth first, each folder's in the order of their bytes") {
  const TemporaryFolder folder;
  for (const char* name : {"b.jpg", "a/z.jpg", "a/b/c.jpg", "a.jpg", "a-b.jpg", "A.jpg", "c/d.jpg",
                           "\xff.jpg", "\xc3\xa9.jpg"}) {
    folder.File(name, kJpeg);
  }
  CHECK(ScanWhole(ScanRun(folder.path())).lines ==
        Lines{"ok A.jpg", "ok a/b/c.jpg", "ok a/z.jpg", "ok a-b.jpg", "ok a.jpg", "ok b.jpg",
              "ok c/d.jpg", "ok \xc3\xa9.jpg", "ok \xff.jpg"});
}

TEST_CASE("an item carries its size and the time of its last change") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  const timespec times[2] = {{1, 0}, {1'700'000'000, 123'456'789}};
  REQUIRE(utimensat(AT_FDCWD, folder.At("a.jpg").c_str(), times, 0) == 0);
  const auto whole = ScanWhole(ScanRun(folder.path()));
  REQUIRE(whole.found.size() == 1);
  const auto& meta = std::get<Meta>(whole.found[0].what);
  CHECK(meta.Integer("bytes", 0) == static_cast<std::int64_t>(kJpeg.size()));
  CHECK(meta.Integer("mtime_ns", 0) == 1'700'000'000'123'456'789);
}

TEST_CASE("what a name does not tell is passed on unopened, and marked") {
  const TemporaryFolder folder;
  folder.File("a.jpg", "a text that its owner calls a picture");  // preprocess will say so
  folder.File("b.dat", kJpeg);
  folder.File("c", kPng);
  folder.File("d.txt", "a text");
  folder.File("e.jpg", "");
  folder.File("f.txt", "");
  CHECK(ScanWhole(ScanRun(folder.path())).lines == Lines{"ok a.jpg", "ok b.dat", "ok c", "ok d.txt",
                                                         "empty e.jpg",
                                                         "skipped:not-an-image f.txt"});
  // It was not opened: nobody may.
  REQUIRE(chmod(folder.At("d.txt").c_str(), 0) == 0);
  const WithoutPrivileges nobody;
  const auto whole = ScanWhole(ScanRun(folder.path()));
  REQUIRE(whole.lines.size() == 6);
  CHECK(whole.lines[3] == "ok d.txt");
  CHECK(!std::get<Meta>(whole.found[0].what).Bool("unnamed", false));
  CHECK(std::get<Meta>(whole.found[2].what).Bool("unnamed", false));
  CHECK(std::get<Meta>(whole.found[3].what).Bool("unnamed", false));
}

TEST_CASE("where images are counted, content tells them, and an item's facts stay the same") {
  const TemporaryFolder folder;
  folder.File("b.dat", kJpeg);
  folder.File("c", kPng);
  folder.File("d.txt", "a text");
  const auto plain = ScanWhole(ScanRun(folder.path()));
  ScanRunOptions options;
  options.limit = 100;
  const auto counted = ScanWhole(ScanRun(folder.path(), options));
  CHECK(counted.lines == Lines{"ok b.dat", "ok c", "skipped:not-an-image d.txt"});
  CHECK(std::get<Meta>(counted.found[0].what) == std::get<Meta>(plain.found[0].what));
}

TEST_CASE("with a checksum an item is known by what it holds, not by when it was written") {
  const TemporaryFolder folder;
  const std::string large = std::string(kJpeg) + std::string(1'000'000, 'x');
  folder.File("a.jpg", large);
  folder.File("b.dat", kJpeg);
  folder.File("c.txt", "a text");
  folder.File("d.jpg", kJpeg);
  REQUIRE(chmod(folder.At("d.jpg").c_str(), 0) == 0);
  ScanRunOptions options;
  options.checksum = true;
  const auto scan = [&] {
    const WithoutPrivileges nobody;
    return ScanWhole(ScanRun(folder.path(), options));
  };
  const auto before = scan();
  CHECK(before.lines ==
        Lines{"ok a.jpg", "ok b.dat", "skipped:not-an-image c.txt", "unreadable d.jpg"});
  CHECK(before.exhaustive);
  const Meta& a = std::get<Meta>(before.found[0].what);
  CHECK(a.Integer("bytes", 0) == static_cast<std::int64_t>(large.size()));
  CHECK(a.Integer("mtime_ns", -1) == -1);
  CHECK(a.Text("checksum").size() == 16);
  CHECK(std::get<Meta>(before.found[1].what).Bool("unnamed", false));

  const timespec times[2] = {{1, 0}, {1'700'000'000, 0}};
  REQUIRE(utimensat(AT_FDCWD, folder.At("a.jpg").c_str(), times, 0) == 0);
  CHECK(std::get<Meta>(scan().found[0].what) == a);
  std::string changed = large;
  changed.back() = 'y';
  folder.File("a.jpg", changed);
  CHECK(std::get<Meta>(scan().found[0].what).Text("checksum") != a.Text("checksum"));
}

TEST_CASE("a checksum is XXH3's of 128 bits, as its own tool writes it") {
  const TemporaryFolder folder;
  folder.File("abc", "abc");
  folder.File("empty", "");
  int progress = 0;
  const auto of = [&](const char* name) {
    const auto checksum = ChecksumOfFile(folder.At(name), [&] { return ++progress > 0; });
    REQUIRE(checksum);
    std::string hex;
    for (const char c : checksum->digest) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      hex += kDigits[static_cast<unsigned char>(c) >> 4];
      hex += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
  };
  CHECK(of("abc") == "06b05ab6733a618578af5f94892f3950");
  CHECK(of("empty") == "99aa06d3014798d86001c324468d497f");
  CHECK(progress > 0);
  CHECK(ChecksumOfFile(folder.At("gone"), [] { return true; }).error() == ENOENT);
  CHECK(!ChecksumOfFile(folder.path(), [] { return true; }));
}

TEST_CASE("a scan that is cancelled ends soon, in the midst of a file or of a sample too") {
  const TemporaryFolder folder;
  folder.File("a.jpg", std::string(kJpeg) + std::string(3 << 20, 'x'));
  for (const char* name : {"b.jpg", "c.jpg", "d.jpg"}) folder.File(name, kJpeg);
  const auto go_on_after = [&](const ScanRunOptions& options) {
    const auto run = ScanRun(folder.path(), options);
    const auto stage = StartScanner(100);
    FakeJobContext context;
    int asked = 0;
    context.cancelled = [&] { return ++asked > 2; };
    const std::vector<Job> jobs = {ScanJob(run, "")};
    const Outcome given_up = stage->Process(jobs, context)[0];
    CHECK(asked <= 4);
    CHECK(context.progress < 4);
    // The same chunk, asked for again.
    FakeJobContext calm;
    auto whole = stage->Process(jobs, calm);
    CHECK(std::get<Scanned>(whole[0]).found.size() == 4);
    return given_up;
  };
  CHECK(std::holds_alternative<Failed>(go_on_after({.checksum = true})));
  CHECK(std::get<Scanned>(go_on_after({.sample = 4})).found.empty());
}

TEST_CASE("only a plain walk that read every folder says that it named all there is") {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b/c.jpg", "d/e.jpg", "f.jpg"}) folder.File(name, kJpeg);
  const auto exhaustive = [&](const ScanRunOptions& options, std::int64_t chunk = 100) {
    const auto whole = ScanWhole(ScanRun(folder.path(), options), chunk, true);
    CHECK(whole.error.empty());
    return whole.exhaustive;
  };
  CHECK(exhaustive({}));
  CHECK(exhaustive({}, 1));
  CHECK(!exhaustive({.include = {"*.jpg"}}));
  CHECK(!exhaustive({.exclude = {"*.png"}}));
  CHECK(!exhaustive({.limit = 100}));
  CHECK(!exhaustive({.sample = 100}));
  CHECK(!exhaustive({.only = "a.jpg"}));
  folder.File("list", "a.jpg\n");
  CHECK(!exhaustive({.files_from = folder.At("list")}));
  REQUIRE(chmod(folder.At("b").c_str(), 0) == 0);
  for (const std::int64_t chunk : {1, 100}) {
    const WithoutPrivileges nobody;
    CHECK(!exhaustive({}, chunk));
  }
  REQUIRE(chmod(folder.At("b").c_str(), 0755) == 0);
}

TEST_CASE("a FIFO, a device and a socket are skipped and never waited on") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo(folder.At("a.jpg").c_str(), 0600) == 0);
  REQUIRE(mkfifo(folder.At("b").c_str(), 0600) == 0);
  folder.Link("c.jpg", "/dev/null");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.At("d.jpg");
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::copy(path.begin(), path.end(), address.sun_path);
  const UniqueFd socket_fd(socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(bind(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  ScanRunOptions follow;
  follow.follow_symlinks = true;
  CHECK(ScanWhole(ScanRun(folder.path(), follow)).lines ==
        Lines{"skipped:not-a-file a.jpg", "skipped:not-a-file b", "skipped:not-a-file c.jpg",
              "skipped:not-a-file d.jpg"});
}

TEST_CASE("chunks of every size find the same as one walk, with and without a remembered place") {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.jpg", "a/2.jpg", "a/b/1.jpg", "a/b/2.txt", "a.jpg", "b/c/d/e.jpg",
                           "b/c.jpg", "z.jpg"}) {
    folder.File(name, kJpeg);
  }
  folder.Folder("empty/in/it");
  folder.Folder("last");
  const auto run = ScanRun(folder.path());
  const Lines expected = ScanWhole(run).lines;
  CHECK(expected.size() == 8);
  for (const std::int64_t chunk : {1, 2, 3, 5, 8}) {
    CHECK(ScanWhole(run, chunk).lines == expected);
    CHECK(ScanWhole(run, chunk, true).lines == expected);
  }
}

TEST_CASE("a chunk that is asked for again finds the same again") {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}) folder.File(name, kJpeg);
  const auto run = ScanRun(folder.path());
  FakeJobContext context;
  const auto stage = StartScanner(2);
  const std::vector<Job> jobs = {ScanJob(run, "")};
  const auto first = std::get<Scanned>(stage->Process(jobs, context)[0]);
  const auto again = std::get<Scanned>(stage->Process(jobs, context)[0]);
  REQUIRE(again.found.size() == 2);
  CHECK(again.found[0].key == "a.jpg");
  CHECK(again.next_cursor == first.next_cursor);
  CHECK(context.progress >= 4);
}

TEST_CASE("a chunk of long names ends before its report is over the protocol's bound") {
  const TemporaryFolder folder;
  const std::string deep = std::string(250, 'd') + "/" + std::string(250, 'e') + "/";
  for (int i = 0; i < 2500; ++i) {
    folder.File(deep + std::to_string(10000 + i) + std::string(200, 'f') + ".jpg", kJpeg);
  }
  FakeJobContext context;
  const auto stage = StartScanner(50'000);
  const std::vector<Job> jobs = {ScanJob(ScanRun(folder.path()), "")};
  const auto first = std::get<Scanned>(stage->Process(jobs, context)[0]);
  CHECK(first.next_cursor.has_value());
  CHECK(first.found.size() * 700 < 2u << 20);
  CHECK(ScanWhole(ScanRun(folder.path()), 50'000).lines.size() == 2500);
}

TEST_CASE("entries that come and go between chunks harm nothing") {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.jpg", "a/2.jpg", "b/1.jpg", "c.jpg", "d.jpg"}) {
    folder.File(name, kJpeg);
  }
  for (const bool fresh : {false, true}) {
    CAPTURE(fresh);
    folder.File("a/1.jpg", kJpeg);
    folder.File("c.jpg", kJpeg);
    std::filesystem::remove(folder.At("0-new.jpg"));
    const auto run = ScanRun(folder.path());
    FakeJobContext context;
    auto stage = StartScanner(1);
    std::vector<Job> jobs = {ScanJob(run, "")};
    auto chunk = std::get<Scanned>(stage->Process(jobs, context)[0]);
    CHECK(Line(chunk.found.at(0)) == "ok a/1.jpg");
    std::filesystem::remove_all(folder.At("a"));
    std::filesystem::remove(folder.At("c.jpg"));
    folder.File("0-new.jpg", kJpeg);
    if (fresh) stage = StartScanner(1);
    Lines rest;
    while (chunk.next_cursor) {
      jobs = {ScanJob(run, *chunk.next_cursor)};
      chunk = std::get<Scanned>(stage->Process(jobs, context)[0]);
      for (const Found& found : chunk.found) rest.push_back(Line(found));
    }
    CHECK(rest == Lines{"ok b/1.jpg", "ok d.jpg"});
  }
}

TEST_CASE("a folder that cannot be read is one failed item and the walk goes on") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("b/inside.jpg", kJpeg);
  folder.File("c.jpg", kJpeg);
  folder.File("d", kJpeg);
  REQUIRE(chmod(folder.At("b").c_str(), 0) == 0);
  REQUIRE(chmod(folder.At("d").c_str(), 0) == 0);
  for (const std::int64_t chunk : {1, 10}) {
    const WithoutPrivileges nobody;
    const auto whole = ScanWhole(ScanRun(folder.path()), chunk, true);
    CHECK(whole.lines == Lines{"ok a.jpg", "unreadable b", "ok c.jpg", "ok d"});
  }
  REQUIRE(chmod(folder.At("b").c_str(), 0755) == 0);
}

TEST_CASE("a folder whose names can be read and whose files cannot fails those named like images") {
  const TemporaryFolder folder;
  folder.File("a/1.jpg", kJpeg);
  folder.File("a/2.txt", "text");
  REQUIRE(chmod(folder.At("a").c_str(), 0744) == 0);  // names, no way in
  {
    const WithoutPrivileges nobody;
    CHECK(ScanWhole(ScanRun(folder.path())).lines ==
          Lines{"unreadable a/1.jpg", "skipped:unreadable a/2.txt"});
  }
  REQUIRE(chmod(folder.At("a").c_str(), 0755) == 0);
}

TEST_CASE("an input that cannot be read ends the scan with its reason") {
  const TemporaryFolder folder;
  CHECK(ScanWhole(ScanRun(folder.At("missing"))).error ==
        "cannot read the input folder " + folder.At("missing") + ": No such file or directory");
}

TEST_CASE("links are followed inside the input and reported where they leave it") {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  folder.File("real/a.jpg", kJpeg);
  elsewhere.File("b.jpg", kJpeg);
  folder.Link("1-inside.jpg", "real/a.jpg");
  folder.Link("2-folder", folder.At("real"));
  folder.Link("3-outside.jpg", elsewhere.At("b.jpg"));
  folder.Link("4-outside", elsewhere.path());
  folder.Link("5-dangling.jpg", "nothing");
  folder.Link("6-dangling", "nothing");
  folder.Link("7-itself.jpg", "7-itself.jpg");
  CHECK(ScanWhole(ScanRun(folder.path())).lines ==
        Lines{"ok 1-inside.jpg", "ok 2-folder/a.jpg", "skipped:outside-input 3-outside.jpg",
              "skipped:outside-input 4-outside", "unreadable 5-dangling.jpg",
              "skipped:dangling-link 6-dangling", "unreadable 7-itself.jpg", "ok real/a.jpg"});
  ScanRunOptions follow;
  follow.follow_symlinks = true;
  const Lines followed = ScanWhole(ScanRun(folder.path(), follow)).lines;
  CHECK(std::ranges::count(followed, "ok 3-outside.jpg") == 1);
  CHECK(std::ranges::count(followed, "ok 4-outside/b.jpg") == 1);
}

TEST_CASE("a folder whose name only begins like the input's is outside it") {
  const TemporaryFolder folder;
  folder.File("in-other/a.jpg", kJpeg);
  folder.Folder("in");
  folder.Link("in/a.jpg", folder.At("in-other/a.jpg"));
  CHECK(ScanWhole(ScanRun(folder.At("in"))).lines == Lines{"skipped:outside-input a.jpg"});
}

TEST_CASE("links in circles end") {
  const TemporaryFolder folder;
  folder.File("a/1.jpg", kJpeg);
  folder.File("b/2.jpg", kJpeg);
  folder.Link("a/up", "..");
  folder.Link("a/self", ".");
  folder.Link("b/a", "../a");
  const Lines lines = ScanWhole(ScanRun(folder.path()), 1, true).lines;
  CHECK(lines == Lines{"ok a/1.jpg", "skipped:symlink-loop a/self", "skipped:symlink-loop a/up",
                       "ok b/2.jpg", "ok b/a/1.jpg", "skipped:symlink-loop b/a/self",
                       "skipped:symlink-loop b/a/up"});
}

TEST_CASE("folders that link to each other in every order end too") {
  const TemporaryFolder folder;
  const std::string names = "abcdefghijkl";
  for (const char from : names) {
    folder.Folder(std::string(1, from));
    const char next = from == 'l' ? 'a' : static_cast<char>(from + 1);
    folder.Link(std::string{from, '/', next}, std::string("../") + next);
  }
  folder.File("a/x.jpg", kJpeg);
  const Lines lines = ScanWhole(ScanRun(folder.path())).lines;
  CHECK(std::ranges::count(lines, "skipped:symlink-loop a/b/c/d/e/f/g/h/i/j") == 1);
  CHECK(std::ranges::count(lines, "ok l/a/x.jpg") == 1);
}

TEST_CASE("the output inside the input is left out, under every name, and so is millrace's own") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("out/a.jpg", kJpeg);
  folder.File("out/x/b.jpg", kJpeg);
  folder.File(".millrace/tmp/half.jpg", kJpeg);
  folder.File("x/.millrace/report.json", "{}");
  folder.Link("y", "out");
  folder.Link("z.jpg", "out/a.jpg");
  CHECK(ScanWhole(ScanRun(folder.path(), {}, folder.At("out"))).lines ==
        Lines{"ok a.jpg", "skipped:inside-output y", "skipped:inside-output z.jpg"});
  // A neighbour whose name begins alike is not the output.
  folder.File("out2/a.jpg", kJpeg);
  CHECK(ScanWhole(ScanRun(folder.path(), {}, folder.At("out")), 1, true).lines.size() == 4);
}

TEST_CASE("an output that appears in the input while it is walked is left out too") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("z.jpg", kJpeg);
  const auto run = ScanRun(folder.path(), {}, folder.At("m/out"));
  FakeJobContext context;
  const auto stage = StartScanner(1);
  folder.Folder("m");
  std::vector<Job> jobs = {ScanJob(run, "")};
  auto chunk = std::get<Scanned>(stage->Process(jobs, context)[0]);
  folder.File("m/out/a.jpg", kJpeg);
  Lines rest;
  while (chunk.next_cursor) {
    jobs = {ScanJob(run, *chunk.next_cursor)};
    chunk = std::get<Scanned>(stage->Process(jobs, context)[0]);
    for (const Found& found : chunk.found) rest.push_back(Line(found));
  }
  CHECK(rest == Lines{"ok z.jpg"});
}

TEST_CASE("what the filters leave out is skipped as excluded, a folder as one item") {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b.png", "raw/c.jpg", "raw/d/e.jpg", "x/y/f.jpg", "x/z.txt"}) {
    folder.File(name, kJpeg);
  }
  ScanRunOptions options;
  options.include = {"*.jpg"};
  options.exclude = {"raw/", "/a*"};
  for (const std::int64_t chunk : {1, 100}) {
    CHECK(ScanWhole(ScanRun(folder.path(), options), chunk, true).lines ==
          Lines{"skipped:excluded a.jpg", "skipped:excluded b.png", "skipped:excluded raw",
                "ok x/y/f.jpg", "skipped:excluded x/z.txt"});
  }
  options = {};
  options.include = {"raw"};
  const Lines lines = ScanWhole(ScanRun(folder.path(), options)).lines;
  CHECK(std::ranges::count(lines, "ok raw/d/e.jpg") == 1);
  CHECK(std::ranges::count(lines, "skipped:excluded a.jpg") == 1);
}

const std::string kAppleDouble = "\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"s;

// What is no picture of anybody's, and its like that is.
void FillWithExcludes(const TemporaryFolder& folder) {
  for (const char* name :
       {".git/objects/a.jpg", ".thumbnails/b.png", "__MACOSX/c.jpg", "x/@eaDir/d.jpg/e.jpg",
        "x/.AppleDouble/f.jpg", "out/.millrace/id", "out/g.jpg", "git/h.jpg", "x/._i.jpg",
        "notes/.millrace/report.json", "notes/j.jpg", "k.jpg", "k/.gitignore.jpg", "eaDir/l.jpg"}) {
    folder.File(name, kJpeg);
  }
  folder.File("._k.jpg", kAppleDouble);
  folder.File("x/._m.dat", "\x00\x05\x16\x00\x00"s);
  folder.File("._n.jpg", "\x00\x05\x16"s);  // three bytes tell nothing
  folder.File("o.jpg", kAppleDouble);       // whoever reads it says what it is
  folder.File("._p.jpg", "");
}

TEST_CASE("what other programs lay beside pictures is left out, a folder as one item") {
  const TemporaryFolder folder;
  FillWithExcludes(folder);
  const Lines expected = {"skipped:apple-double ._k.jpg",
                          "ok ._n.jpg",
                          "empty ._p.jpg",
                          "skipped:default-exclude .git",
                          "skipped:default-exclude .thumbnails",
                          "skipped:default-exclude __MACOSX",
                          "ok eaDir/l.jpg",
                          "ok git/h.jpg",
                          "ok k/.gitignore.jpg",
                          "ok k.jpg",
                          "ok notes/j.jpg",
                          "ok o.jpg",
                          "skipped:run-output out",
                          "skipped:default-exclude x/.AppleDouble",
                          "ok x/._i.jpg",
                          "skipped:apple-double x/._m.dat",
                          "skipped:default-exclude x/@eaDir"};
  for (const std::int64_t chunk : {1, 2, 100}) {
    CHECK(ScanWhole(ScanRun(folder.path()), chunk, true).lines == expected);
    CHECK(ScanWhole(ScanRun(folder.path()), chunk).lines == expected);
  }
  CHECK(ScanWhole(ScanRun(folder.path())).exhaustive);
}

TEST_CASE("without the default excludes everything is walked, but for OUTPUT itself") {
  const TemporaryFolder folder;
  FillWithExcludes(folder);
  ScanRunOptions options;
  options.no_default_excludes = true;
  const Lines lines = ScanWhole(ScanRun(folder.path(), options)).lines;
  for (const std::string& line : lines) CHECK_FALSE(line.starts_with("skipped:"));
  CHECK(std::ranges::count(lines, "ok out/g.jpg") == 1);
  CHECK(std::ranges::count(lines, "ok .git/objects/a.jpg") == 1);
  CHECK(std::ranges::count(lines, "ok ._k.jpg") == 1);
  const Lines own = ScanWhole(ScanRun(folder.path(), options, folder.At("out"))).lines;
  CHECK(std::ranges::count(own, "ok out/g.jpg") == 0);
}

TEST_CASE("an input of such a name is walked, and what a list names is taken") {
  const TemporaryFolder folder;
  FillWithExcludes(folder);
  CHECK(ScanWhole(ScanRun(folder.At("out"))).lines == Lines{"ok g.jpg"});
  CHECK(ScanWhole(ScanRun(folder.At(".git"))).lines == Lines{"ok objects/a.jpg"});
  folder.File("list", "._k.jpg\nout/g.jpg\n__MACOSX/c.jpg\n");
  ScanRunOptions options;
  options.files_from = folder.At("list");
  CHECK(ScanWhole(ScanRun(folder.path(), options)).lines ==
        Lines{"ok ._k.jpg", "ok out/g.jpg", "ok __MACOSX/c.jpg"});
  options = {};
  options.only = "._k.jpg";
  CHECK(ScanWhole(ScanRun(folder.path(), options)).lines == Lines{"ok ._k.jpg"});
}

TEST_CASE("a folder that becomes a run's output while it is walked is walked to its end") {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.jpg", "a/2.jpg", "b/3.jpg"}) folder.File(name, kJpeg);
  const auto run = ScanRun(folder.path());
  FakeJobContext context;
  std::vector<Job> jobs = {ScanJob(run, "")};
  auto chunk = std::get<Scanned>(StartScanner(1)->Process(jobs, context)[0]);
  folder.File("a/.millrace/id", "1");
  Lines rest;
  while (chunk.next_cursor) {
    jobs = {ScanJob(run, *chunk.next_cursor)};
    chunk = std::get<Scanned>(StartScanner(1)->Process(jobs, context)[0]);
    for (const Found& found : chunk.found) rest.push_back(Line(found));
  }
  CHECK(rest == Lines{"ok a/2.jpg", "ok b/3.jpg"});
}

TEST_CASE("a limit counts images and what is named like one, over all chunks") {
  const TemporaryFolder folder;
  folder.File("a.txt", "text");
  folder.File("b.jpg", "");
  for (const char* name : {"c.jpg", "d.jpg", "e.jpg", "f.jpg"}) folder.File(name, kJpeg);
  ScanRunOptions options;
  options.limit = 3;
  for (const std::int64_t chunk : {1, 2, 3, 100}) {
    CHECK(ScanWhole(ScanRun(folder.path(), options), chunk, true).lines ==
          Lines{"skipped:not-an-image a.txt", "empty b.jpg", "ok c.jpg", "ok d.jpg"});
  }
}

TEST_CASE("a sample is of that size, spread over the tree, the same each time, and nested") {
  const TemporaryFolder folder;
  for (int i = 0; i < 200; ++i) {
    folder.File(std::to_string(i % 10) + "/" + std::to_string(i) + ".jpg",
                i % 20 == 0 ? "" : kJpeg);
  }
  folder.File("notes.txt", "no image");
  ScanRunOptions options;
  options.sample = 40;
  const Lines drawn = ScanWhole(ScanRun(folder.path(), options), 7, true).lines;
  CHECK(drawn.size() == 40);
  CHECK(ScanWhole(ScanRun(folder.path(), options)).lines == drawn);
  std::set<char> folders;
  for (const std::string& line : drawn) folders.insert(line[line.find(' ') + 1]);
  CHECK(folders.size() >= 8);
  options.sample = 60;
  const Lines more = ScanWhole(ScanRun(folder.path(), options)).lines;
  CHECK(more.size() == 60);
  CHECK(std::ranges::includes(more, drawn));
  options.sample = 1000;
  CHECK(ScanWhole(ScanRun(folder.path(), options)).lines.size() == 200);
}

TEST_CASE("files that are known to be broken are skipped, until they change") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("b.jpg", kJpeg);
  folder.File("c.jpg", kJpeg);
  folder.File("empty.jpg", "");
  const WholeScan all = ScanWhole(ScanRun(folder.path()));
  const Meta& known = std::get<Meta>(all.found.at(0).what);
  const auto bytes = known.Integer("bytes", 0);
  const auto mtime_ns = known.Integer("mtime_ns", 0);

  const TemporaryFolder beside;
  beside.File("broken", KnownBrokenEntry({"a.jpg", bytes, mtime_ns}) +
                            KnownBrokenEntry({"b.jpg", bytes, mtime_ns - 1}) +
                            KnownBrokenEntry({"empty.jpg", 0, {}}));
  ScanRunOptions options;
  options.skip_list = beside.At("broken");
  const WholeScan scan = ScanWhole(ScanRun(folder.path(), options), 1, true);
  CHECK(scan.lines ==
        Lines{"skipped:broken a.jpg", "ok b.jpg", "ok c.jpg", "skipped:broken empty.jpg"});
  options.limit = 1;
  CHECK(ScanWhole(ScanRun(folder.path(), options)).lines ==
        Lines{"skipped:broken a.jpg", "ok b.jpg"});
}

TEST_CASE("one file as input is that file alone") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("b.jpg", kJpeg);
  ScanRunOptions options;
  options.only = "b.jpg";
  CHECK(ScanWhole(ScanRun(folder.path(), options), 1, true).lines == Lines{"ok b.jpg"});
}

TEST_CASE("two runs whose chunks alternate do not disturb each other") {
  const TemporaryFolder first, second;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) {
    first.File(name, kJpeg);
    second.File(std::string("x") + name, kJpeg);
  }
  const auto run = ScanRun(first.path());
  const auto other = ScanRun(second.path());
  other->id = RunId(2);
  FakeJobContext context;
  const auto stage = StartScanner(1);
  std::string cursors[2];
  Lines lines;
  for (int i = 0; i < 3; ++i) {
    for (int which = 0; which < 2; ++which) {
      const std::vector<Job> jobs = {ScanJob(which == 0 ? run : other, cursors[which])};
      const auto chunk = std::get<Scanned>(stage->Process(jobs, context)[0]);
      for (const Found& found : chunk.found) lines.push_back(found.key);
      cursors[which] = chunk.next_cursor.value_or("");
    }
  }
  CHECK(lines == Lines{"a.jpg", "xa.jpg", "b.jpg", "xb.jpg", "c.jpg", "xc.jpg"});
}

TEST_CASE("a cancelled chunk stops early") {
  const TemporaryFolder folder;
  for (int i = 0; i < 50; ++i) folder.File(std::to_string(i) + ".jpg", kJpeg);
  FakeJobContext context;
  int asked = 0;
  context.cancelled = [&asked] { return ++asked > 5; };
  const auto stage = StartScanner(1000);
  const std::vector<Job> jobs = {ScanJob(ScanRun(folder.path()), "")};
  CHECK(std::get<Scanned>(stage->Process(jobs, context)[0]).found.size() == 5);
}

TEST_CASE("a cursor that cannot be read fails the job and says so") {
  const TemporaryFolder folder;
  FakeJobContext context;
  const auto stage = StartScanner(10);
  const std::vector<Job> jobs = {ScanJob(ScanRun(folder.path()), "nonsense")};
  const auto failed = std::get<Failed>(stage->Process(jobs, context)[0]);
  CHECK(failed.code == ErrorCode::kProtocol);
  CHECK(!failed.retryable);
}

}  // namespace
}  // namespace millrace
