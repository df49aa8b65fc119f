#include "stages/inference/model/torch_plugin.h"

#include <doctest/doctest.h>

#include "tests/stages/inference/model/raw_file.h"

namespace millrace {
namespace {

TEST_CASE("LibTorch is loaded at run time, and its models work across the border") {
  TorchModelOptions options{.weights = kFolder + "bisenet_zip.pth", .device = "cpu"};
  auto model = LoadTorchModelFrom(MILLRACE_BIN_DIR, options);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  CHECK((*model)->RunsOn() == "cpu, 1 thread");
  const auto pictures = ReadRaw<std::uint8_t>("pictures.bin");
  const auto labels = (*model)->Segment(
      {512, 512, {std::as_bytes(std::span(pictures)).first(std::size_t{512} * 512 * 3)}});
  REQUIRE(labels);
  const auto expected = ReadRaw<std::uint8_t>("labels.bin");
  std::size_t different = 0;
  for (std::size_t i = 0; i < labels->at(0).size(); ++i) {
    different += labels->at(0)[i] == expected[i] ? 0 : 1;
  }
  CHECK(different <= 26);

  options.weights = kFolder + "none.pth";
  CHECK(LoadTorchModelFrom(MILLRACE_BIN_DIR, options).error().code == ErrorCode::kNotFound);
}

TEST_CASE("a build without LibTorch says so") {
  const auto model = LoadTorchModelFrom(MILLRACE_TEST_DATA, {});
  REQUIRE(!model);
  CHECK(model.error().code == ErrorCode::kNotFound);
  CHECK(model.error().message.find("MILLRACE_MODELS=OFF") != std::string::npos);
}

}  // namespace
}  // namespace millrace
