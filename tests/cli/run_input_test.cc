#include "cli/run_input.h"

#include <doctest/doctest.h>

#include <filesystem>

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
  RunInput input;

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

  RunInput again;
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

}  // namespace
}  // namespace millrace::cli
