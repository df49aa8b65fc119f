#include "stages/inference/options.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {
namespace {

Options With(const std::string& name, const std::string& value) {
  Options options = Options::Defaults(InferenceOptions());
  options.Set("weights", std::string(MILLRACE_SOURCE_DIR "/CMakeLists.txt"));  // any file there is
  options.Set(name, value);
  return options;
}

TEST_CASE("devices are auto, cpu, cuda and cuda with a number") {
  for (const char* device : {"auto", "cpu", "cuda", "cuda:0", "cuda:15"}) {
    CHECK(CheckInferenceOptions(With("device", device)));
  }
  for (const char* device : {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "cuda:1000000"}) {
    const auto result = CheckInferenceOptions(With("device", device));
    REQUIRE(!result);
    CHECK(result.error().code == ErrorCode::kUsage);
    CHECK(result.error().message.find("auto, cpu, cuda and cuda:N") != std::string::npos);
  }
}

TEST_CASE("missing weights are named before anything starts, with where to get them") {
  const auto none = CheckInferenceOptions(Options::Defaults(InferenceOptions()));
  REQUIRE(!none);
  CHECK(none.error().code == ErrorCode::kUsage);
  CHECK(none.error().message.find("`millrace model fetch bisenet-face`") != std::string::npos);
  const auto absent = CheckInferenceOptions(With("weights", "/nowhere/79999_iter.pth"));
  REQUIRE(!absent);
  CHECK(absent.error().code == ErrorCode::kNotFound);
  CHECK(absent.error().message.find("/nowhere/79999_iter.pth: No such file") != std::string::npos);
  CHECK(absent.error().message.find("`millrace model fetch bisenet-face`") != std::string::npos);
}

TEST_CASE("skin-tone needs no weights") {
  Options options = Options::Defaults(InferenceOptions());
  options.Set("model", std::string("skin-tone"));
  CHECK(CheckInferenceOptions(options));
}

}  // namespace
}  // namespace millrace
