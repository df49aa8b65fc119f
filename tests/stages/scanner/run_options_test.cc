#include "stages/scanner/run_options.h"

#include <doctest/doctest.h>

namespace millrace {
namespace {

TEST_CASE("a run's options come back as they went out") {
  ScanRunOptions options;
  options.include = {"*.jpg", "raw/**"};
  options.exclude = {"\xff*"};
  options.limit = 3;
  options.no_default_excludes = true;
  options.follow_symlinks = true;
  options.files_from = "/tmp/list";
  options.files_from_nul = true;
  options.skip_list = "/tmp/broken";
  options.checksum = true;
  Meta meta;
  options.WriteTo(meta);
  CHECK(*ScanRunOptions::ReadFrom(meta) == options);
}

TEST_CASE("an ordinary run carries no options") {
  Meta meta;
  ScanRunOptions().WriteTo(meta);
  CHECK(meta.empty());
  CHECK(*ScanRunOptions::ReadFrom(meta) == ScanRunOptions());
}

TEST_CASE("options that cannot be meant are refused") {
  const auto code = [](const ScanRunOptions& options) {
    Meta meta;
    options.WriteTo(meta);
    const auto read = ScanRunOptions::ReadFrom(meta);
    REQUIRE(!read);
    return read.error().code;
  };
  ScanRunOptions options;
  options.include = {"[a"};
  CHECK(code(options) == ErrorCode::kUsage);
  options = {};
  options.limit = -1;
  CHECK(code(options) == ErrorCode::kUsage);
  options = {};
  options.limit = options.sample = 1;
  CHECK(code(options) == ErrorCode::kUsage);
  options = {};
  options.files_from = "/l";
  options.only = "a.jpg";
  CHECK(code(options) == ErrorCode::kUsage);
}

}  // namespace
}  // namespace millrace
