#include "cli/run_input.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "common/os/unique_fd.h"
#include "common/payload/meta.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

ScanRunOptions ScanOf(const wire::Submit& submit) {
  return ScanRunOptions::ReadFrom(Meta::Decode(submit.options).value()).value();
}

struct Places {
  TempFolder folder;
  InputSelection input;

  Places() {
    folder.Write("photos/a.jpg", "x");
    folder.Write("photos/sub/b.jpg", "x");
    input.input = folder / "photos";
    input.output = folder / "out";
  }
  [[nodiscard]] Result<wire::Submit> Make() const {
    return MakeSubmit(input, InputIs::kHere, folder / "list");
  }
};

TEST_CASE("a folder is submitted by its absolute path, without a slash at its end") {
  Places places;
  places.input.input += "/./";
  const auto submit = places.Make();
  REQUIRE(submit);
  CHECK(submit->input == places.folder / "photos");
  CHECK(submit->output == places.folder / "out");
  CHECK(submit->options.empty());
}

TEST_CASE("one file is submitted as its folder and its name") {
  Places places;
  places.input.input = places.folder / "photos/a.jpg";
  const auto submit = places.Make();
  REQUIRE(submit);
  CHECK(submit->input == places.folder / "photos");
  CHECK(ScanOf(*submit).only == "a.jpg");
}

TEST_CASE("an INPUT that is missing is told by its path") {
  Places places;
  places.input.input = places.folder / "fotos";
  const auto submit = places.Make();
  REQUIRE_FALSE(submit);
  CHECK(submit.error().code == ErrorCode::kNotFound);
  CHECK(submit.error().message.find(places.folder / "fotos") != std::string::npos);
  CHECK(MakeSubmit(places.input, InputIs::kElsewhere, ""));
}

TEST_CASE("an OUTPUT that is INPUT or above it is refused, by whatever name") {
  Places places;
  fs::create_directory_symlink(places.folder / "photos", places.folder / "link");
  for (const char* output : {"photos", "photos/", "photos/sub/..", "link", "."}) {
    CAPTURE(output);
    places.input.output = places.folder / output;
    const auto submit = places.Make();
    REQUIRE_FALSE(submit);
    CHECK(submit.error().code == ErrorCode::kUsage);
  }
  places.input.input = places.folder / "photos/a.jpg";
  places.input.output = places.folder / "photos";  // would replace the picture
  CHECK_FALSE(places.Make());
}

TEST_CASE("an OUTPUT inside INPUT, or beside it with a longer name, is fine") {
  Places places;
  for (const char* output : {"photos/out", "photos2", "photo"}) {
    CAPTURE(output);
    places.input.output = places.folder / output;
    CHECK(places.Make());
  }
}

TEST_CASE("an OUTPUT that is a file is refused") {
  Places places;
  places.input.output = places.folder.Write("file", "");
  CHECK_FALSE(places.Make());
}

TEST_CASE("filters and bounds travel with the run") {
  Places places;
  places.input.scan = {.include = {"*.jpg", "*.png"}, .exclude = {"sub"}, .limit = 7};
  places.input.stop_at = {.share = 0.25};
  const auto submit = places.Make();
  REQUIRE(submit);
  CHECK(ScanOf(*submit) == places.input.scan);
  CHECK(submit->stop_at_share == doctest::Approx(0.25));
  CHECK(submit->stop_at_failures == 0);
}

TEST_CASE("what of an earlier run counts travels with the run") {
  Places places;
  const auto plain = places.Make();
  REQUIRE(plain);
  CHECK_FALSE((plain->fresh || plain->verify_outputs || plain->prune));
  CHECK_FALSE(ScanOf(*plain).checksum);

  CLI::App command;
  AddInputOptions(command, places.input);
  const std::string input = places.input.input;
  const std::string output = places.input.output;
  command.parse({"--prune", "--verify-outputs", "--checksum", output, input});  // from the back
  const auto submit = places.Make();
  REQUIRE(submit);
  CHECK(submit->verify_outputs);
  CHECK(submit->prune);
  CHECK(ScanOf(*submit).checksum);
  CHECK_FALSE(submit->fresh);

  InputSelection again;
  CLI::App other;
  AddInputOptions(other, again);
  other.parse({"--fresh", output, input});
  CHECK(MakeSubmit(again, InputIs::kHere, "").value().fresh);
}

TEST_CASE("a list of files is given by its absolute path, and must be there") {
  Places places;
  places.input.scan.files_from = places.folder.Write("files", "a.jpg\n");
  CHECK(ScanOf(places.Make().value()).files_from == places.folder / "files");
  places.input.scan.files_from = places.folder / "missing";
  CHECK(places.Make().error().code == ErrorCode::kNotFound);
}

TEST_CASE("a list on stdin is refused where there is no place to copy it to") {
  Places places;
  places.input.scan.files_from = "-";
  const auto submit = MakeSubmit(places.input, InputIs::kHere, "");
  REQUIRE_FALSE(submit);
  CHECK(submit.error().code == ErrorCode::kUsage);
}

TEST_CASE("a list in a pipe is copied, since it can be read only once") {
  Places places;
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  REQUIRE(write(writer.get(), "a.jpg\n", 6) == 6);
  writer.Reset();
  places.input.scan.files_from = "/dev/fd/" + std::to_string(reader.get());  // as <(...) is given
  CHECK(ScanOf(places.Make().value()).files_from == places.folder / "list");
  CHECK(ReadAll(places.folder / "list") == "a.jpg\n");
  const auto submit = MakeSubmit(places.input, InputIs::kHere, "");
  REQUIRE_FALSE(submit);
  CHECK(submit.error().code == ErrorCode::kUsage);
  CHECK(submit.error().message.find("give a file") != std::string::npos);
}

TEST_CASE("a signal ends the copying of a list that does not end") {
  Places places;
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);  // stays open
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  SpoolInterrupt interrupt{*signals};
  kill(getpid(), SIGTERM);
  places.input.scan.files_from = "/dev/fd/" + std::to_string(reader.get());
  CHECK_FALSE(MakeSubmit(places.input, InputIs::kHere, places.folder / "list", &interrupt));
  CHECK(interrupt.signal == SIGTERM);
}

TEST_CASE("patterns that a run cannot carry are refused with their option") {
  Places places;
  const auto complaint = [&](const ScanRunOptions& scan) {
    places.input.scan = scan;
    const auto submit = places.Make();
    REQUIRE_FALSE(submit);
    CHECK(submit.error().code == ErrorCode::kUsage);
    return submit.error().message;
  };
  CHECK(complaint({.include = {"*.png", "a\nb"}}).starts_with("--include: "));
  CHECK(complaint({.exclude = {"a\nb"}}).starts_with("--exclude: "));
  CHECK(complaint({.exclude = {""}}).starts_with("--exclude: "));
  const std::vector<std::string> many(1000, "some/folder/of/mine");
  CHECK(complaint({.include = {"*.jpg"}, .exclude = many}).starts_with("--exclude: 20004 bytes"));
  CHECK(complaint({.include = many}).starts_with("--include: 19999 bytes"));
  places.input.scan = {.include = std::vector<std::string>(800, "some/folder/of/mine")};
  CHECK(places.Make());
}

}  // namespace
}  // namespace millrace::cli
