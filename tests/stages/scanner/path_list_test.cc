#include "stages/scanner/path_list.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "tests/stages/scanner/scan_whole.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

constexpr std::string_view kJpeg = "\xff\xd8\xff\xe0 and more";

// The lines found for a list with these bytes, one entry a chunk and each from its cursor.
WholeScan ScanList(const TemporaryFolder& folder, std::string_view list,
                   ScanRunOptions options = {}) {
  const TemporaryFolder beside;
  beside.File("list", list);
  options.files_from = beside.At("list");
  return ScanWhole(ScanRun(folder.path(), options, folder.At("out")), 1, true);
}

TEST_CASE("entries are taken in the list's order, absolute or relative, as keys in the input") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("x/b.jpg", kJpeg);
  folder.File("x/\xff c.jpg", kJpeg);
  CHECK(ScanList(folder, "x/b.jpg\n\n./x/../a.jpg\n" + folder.path() + "//x/./\xff c.jpg\n" +
                             folder.At("a.jpg"))
            .lines == Lines{"ok x/b.jpg", "ok a.jpg", "ok x/\xff c.jpg", "ok a.jpg"});
}

TEST_CASE("an input reached through a link takes absolute entries by both of its names") {
  const TemporaryFolder folder;
  const TemporaryFolder beside;
  folder.File("x/a.jpg", kJpeg);
  beside.Link("input", folder.path());
  beside.Link("other", folder.path());
  beside.File("list", beside.At("input/x/a.jpg") + "\n" + folder.At("x/a.jpg") + "\n" +
                          beside.At("other/x/a.jpg") + "\n");
  ScanRunOptions options;
  options.files_from = beside.At("list");
  CHECK(ScanWhole(ScanRun(beside.At("input"), options)).lines ==
        Lines{"ok x/a.jpg", "ok x/a.jpg", "ok x/a.jpg"});
}

TEST_CASE("names with newlines go through a list that ends its entries in NUL") {
  const TemporaryFolder folder;
  folder.File("a\nb.jpg", kJpeg);
  folder.File("c.jpg", kJpeg);
  ScanRunOptions options;
  options.files_from_nul = true;
  CHECK(ScanList(folder, std::string("a\nb.jpg\0c.jpg\0", 14), options).lines ==
        Lines{"ok a\nb.jpg", "ok c.jpg"});
}

TEST_CASE("what is no file of the input is told from what is missing") {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  elsewhere.File("a.jpg", kJpeg);
  folder.File("x/a.jpg", kJpeg);
  folder.File("out/a.jpg", kJpeg);
  folder.File(".millrace/a.jpg", kJpeg);
  folder.Link("away", elsewhere.path());
  folder.File("in/a.jpg", kJpeg);
  const std::string outside = elsewhere.At("a.jpg");
  CHECK(ScanList(folder, outside + "\n../a.jpg\naway/a.jpg\nx\n.\nout/a.jpg\n.millrace/a.jpg\n"
                                   "missing.jpg\nx/a.jpg/b.jpg\n")
            .lines == Lines{"skipped:outside-input " + outside, "skipped:outside-input ../a.jpg",
                            "skipped:outside-input away/a.jpg", "skipped:directory x",
                            "skipped:directory .", "skipped:inside-output out/a.jpg",
                            "skipped:inside-output .millrace/a.jpg", "unreadable missing.jpg",
                            "unreadable x/a.jpg/b.jpg"});
}

// "a.jpg" of UTF-16, and the mark.
std::string Utf16(std::u16string_view text, bool big_endian) {
  std::string bytes = big_endian ? "\xfe\xff" : "\xff\xfe";
  for (const char16_t unit : text) {
    const char low = static_cast<char>(unit & 0xff);
    const char high = static_cast<char>(unit >> 8);
    bytes += {big_endian ? high : low, big_endian ? low : high};
  }
  return bytes;
}

TEST_CASE("lines may end in a carriage return and a newline, and names in a carriage return") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("x/b.jpg", kJpeg);
  folder.File("c\r", kJpeg);
  CHECK(ScanList(folder,
                 "a.jpg\r\n\r\nx/b.jpg\r\n" + folder.At("a.jpg") + "\r\nc\r\ngone.jpg\r\nx/b.jpg\r")
            .lines ==
        Lines{"ok a.jpg", "ok x/b.jpg", "ok a.jpg", "ok c\r", "unreadable gone.jpg", "ok x/b.jpg"});
}

TEST_CASE("a list is read behind its byte order mark, and out of UTF-16") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  folder.File("\xc3\xa9.jpg", kJpeg);
  folder.File("\xf0\x9f\x98\x80.jpg", kJpeg);
  const Lines all = {"ok a.jpg", "ok \xc3\xa9.jpg", "ok \xf0\x9f\x98\x80.jpg"};
  CHECK(ScanList(folder,
                 "\xef\xbb\xbf"
                 "a.jpg\n\xc3\xa9.jpg\n\xf0\x9f\x98\x80.jpg\n")
            .lines == all);
  for (const bool big_endian : {false, true}) {
    const auto lines = [&](std::u16string_view text, ScanRunOptions options = {}) {
      return ScanList(folder, Utf16(text, big_endian), std::move(options)).lines;
    };
    CHECK(lines(u"a.jpg\r\n\u00e9.jpg\r\n\U0001f600.jpg\r\n") == all);
    CHECK(lines(u"a.jpg\n\u00e9.jpg\n\U0001f600.jpg") == all);
    ScanRunOptions options;
    options.files_from_nul = true;
    CHECK(lines(std::u16string_view(u"a.jpg\0\u00e9.jpg\0\U0001f600.jpg\0", 19), options) == all);
  }
}

TEST_CASE("a list in another encoding is refused by its name, and what to do is said") {
  const TemporaryFolder folder;
  folder.File("a.jpg", kJpeg);
  const auto refused = [&](std::string_view list) { return ScanList(folder, list).error; };
  using namespace std::string_view_literals;
  for (const std::string& error :
       {refused("\xff\xfe\0\0a\0\0\0\n\0\0\0"sv), refused("\0\0\xfe\xff\0\0\0a"sv),
        refused("a\0.\0j\0p\0g\0\n\0"sv),
        refused("\xff\xfe"
                "a"),
        refused(Utf16(u"a.jpg\n\xd800.jpg\n", false)), refused(Utf16(u"\xdc00", true))}) {
    CAPTURE(error);
    CHECK(error.find("/list") != std::string::npos);
    CHECK(error.find("write it as UTF-8") != std::string::npos);
  }
}

TEST_CASE("of a text that is no list of images nothing is quoted but the numbers of its lines") {
  const TemporaryFolder folder;
  folder.File("a", kJpeg);
  const auto whole =
      ScanList(folder, "root:x:0:0::/root:/bin/sh\n\na\nuser = gandalf\nmissing.png\n");
  CHECK(whole.lines == Lines{"unreadable line 1 of the list of files", "ok a",
                             "unreadable line 4 of the list of files", "unreadable missing.png"});
  for (const Found& found : whole.found) {
    const auto* failed = std::get_if<Failed>(&found.what);
    if (failed == nullptr) continue;
    CHECK(failed->text.find("root") == std::string::npos);
    CHECK(failed->text.find("gandalf") == std::string::npos);
  }
}

TEST_CASE("a list that is no regular file is not waited for") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo(folder.At("fifo").c_str(), 0600) == 0);
  ScanRunOptions options;
  for (const std::string& path : {folder.At("fifo"), folder.path(), std::string("/dev/zero")}) {
    options.files_from = path;
    CHECK(ScanWhole(ScanRun(folder.path(), options)).error.find("it is not a file") !=
          std::string::npos);
  }
  options.files_from = "list";
  CHECK(ScanWhole(ScanRun(folder.path(), options)).error.find("absolute") != std::string::npos);
}

TEST_CASE("filters and limit hold for a list too") {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}) folder.File(name, kJpeg);
  ScanRunOptions options;
  options.exclude = {"b*"};
  options.limit = 2;
  CHECK(ScanList(folder, "a.jpg\nb.jpg\nc.jpg\nd.jpg\n", options).lines ==
        Lines{"ok a.jpg", "skipped:excluded b.jpg", "ok c.jpg"});
}

TEST_CASE("a list with the wrong separator ends the scan and names the cure") {
  const TemporaryFolder folder;
  CHECK(ScanList(folder, std::string("a.jpg\0b.jpg\0", 12)).error.find("-0") != std::string::npos);
  ScanRunOptions options;
  options.files_from_nul = true;
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += "a.jpg\n";
  CHECK(ScanList(folder, lines, options).error.find("-0") != std::string::npos);
}

TEST_CASE("a list that is missing ends the scan with its name") {
  const TemporaryFolder folder;
  ScanRunOptions options;
  options.files_from = folder.At("none");
  CHECK(ScanWhole(ScanRun(folder.path(), options)).error ==
        "cannot read the list of files " + folder.At("none") + ": No such file or directory");
}

}  // namespace
}  // namespace millrace
