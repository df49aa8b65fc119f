// Masks against PyTorch's for the same weights: at least 99.99 % of the pixels of every picture are
// equal, and on the CPU each that differs has two logits closer than 1e-4 in PyTorch. On a GPU too,
// where there is one.
#include <ATen/Context.h>
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "stages/inference/model/device.h"
#include "stages/inference/model/torch_model.h"
#include "tests/stages/inference/model/raw_file.h"

namespace millrace {
namespace {

constexpr std::int64_t kSide = 512;
constexpr std::size_t kPixels = kSide * kSide;

struct References {
  std::vector<std::uint8_t> pictures = ReadRaw<std::uint8_t>("pictures.bin");
  std::vector<std::uint8_t> labels = ReadRaw<std::uint8_t>("labels.bin");
  std::vector<float> margins = ReadRaw<float>("margins.bin");
  [[nodiscard]] std::size_t count() const { return labels.size() / kPixels; }
};

std::vector<std::string> DevicesToTry() {
  if (FindDevices().gpus == 0) return {"cpu"};
  return {"cpu", "cuda"};
}

std::unique_ptr<Model> Load(TorchModelKind kind, const std::string& name, const std::string& device,
                            int threads = 2) {
  auto model = LoadTorchModel(
      {.kind = kind, .weights = kFolder + name, .device = device, .threads = threads});
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  CHECK((*model)->RunsOn().starts_with(device));
  return std::move(*model);
}

std::vector<Labels> Segment(Model& model, const References& references,
                            const std::vector<std::size_t>& which) {
  PictureBatch batch{kSide, kSide, {}};
  for (const std::size_t i : which) {
    batch.pictures.push_back(
        std::as_bytes(std::span(references.pictures).subspan(i * kPixels * 3, kPixels * 3)));
  }
  auto labels = model.Segment(batch);
  INFO((labels ? "" : labels.error().message));
  REQUIRE(labels);
  REQUIRE(labels->size() == which.size());
  return std::move(*labels);
}

void CheckMask(const Labels& labels, const References& references, std::size_t picture,
               const std::string& device) {
  CAPTURE(picture);
  CAPTURE(device);
  REQUIRE(labels.size() == kPixels);
  std::size_t different = 0;
  for (std::size_t i = 0; i < kPixels; ++i) {
    const std::size_t at = picture * kPixels + i;
    if (labels[i] == references.labels[at]) continue;
    ++different;
    // A GPU adds up in another order than the CPU that made the references.
    if (device == "cpu") CHECK(references.margins[at] < 1e-4F);
  }
  MESSAGE(device << ", picture " << picture << ": " << different << " of " << kPixels
                 << " pixels differ");
  CHECK(different * 10'000 <= kPixels);
}

TEST_CASE("masks equal PyTorch's, from both formats, in any batch, with one thread or two") {
  const References references;
  REQUIRE(references.count() == 4);
  for (const std::string& device : DevicesToTry()) {
    const auto zip = Load(TorchModelKind::kBiSeNetFace, "bisenet_zip.pth", device);
    const std::vector<Labels> batch = Segment(*zip, references, {0, 1, 2, 3});
    for (std::size_t i = 0; i < batch.size(); ++i) CheckMask(batch[i], references, i, device);
    CheckMask(Segment(*zip, references, {2})[0], references, 2, device);

    const auto legacy = Load(TorchModelKind::kBiSeNetFace, "bisenet_legacy.pth", device, 1);
    const std::vector<Labels> pair = Segment(*legacy, references, {3, 1});
    CheckMask(pair[0], references, 3, device);
    CheckMask(pair[1], references, 1, device);
  }
}

TEST_CASE("TorchScript gives the same masks, with logits of full size or a tuple of small ones") {
  const References references;
  for (const std::string& device : DevicesToTry()) {
    for (const char* name : {"bisenet_script.pt", "tuple_script.pt"}) {
      const auto model = Load(TorchModelKind::kTorchScript, name, device);
      const std::vector<Labels> labels = Segment(*model, references, {0, 2});
      CheckMask(labels[0], references, 0, device);
      CheckMask(labels[1], references, 2, device);
    }
  }
}

TEST_CASE("pictures of another size are segmented at that size") {
  const References references;
  for (const std::string& device : DevicesToTry()) {
    const auto model = Load(TorchModelKind::kBiSeNetFace, "bisenet_zip.pth", device);
    const std::span<const std::uint8_t> bytes(references.pictures);
    const auto labels = model->Segment({64, 96, {std::as_bytes(bytes.first(64 * 96 * 3))}});
    REQUIRE(labels);
    CHECK(labels->at(0).size() == 64 * 96);
  }
}

TEST_CASE("a picture of the wrong size is an error, and the model goes on") {
  const References references;
  for (const std::string& device : DevicesToTry()) {
    const auto model = Load(TorchModelKind::kBiSeNetFace, "bisenet_zip.pth", device);
    const std::span<const std::uint8_t> bytes(references.pictures);
    const auto labels = model->Segment({512, 512, {std::as_bytes(bytes.first(100))}});
    REQUIRE(!labels);
    CHECK(labels.error().message.find("height x width x 3") != std::string::npos);
    CheckMask(Segment(*model, references, {0})[0], references, 0, device);
  }
}

TEST_CASE("fp32 is fp32: TF32 is off in cuDNN and cuBLAS once a model is loaded") {
  at::globalContext().setAllowTF32CuDNN(true);
  at::globalContext().setAllowTF32CuBLAS(true);
  Load(TorchModelKind::kBiSeNetFace, "small_whole.pth", "cpu");
  CHECK_FALSE(at::globalContext().allowTF32CuDNN());
  CHECK_FALSE(at::globalContext().allowTF32CuBLAS());
}

TEST_CASE("weights and devices that are not there are named") {
  const auto error = [](TorchModelOptions options) {
    const auto model = LoadTorchModel(options);
    REQUIRE(!model);
    return model.error();
  };
  const auto none = error({.weights = kFolder + "none.pth", .device = "cpu"});
  CHECK(none.code == ErrorCode::kNotFound);
  CHECK(none.message.find("none.pth: No such file") != std::string::npos);
  const auto classes = error({.weights = kFolder + "small_eleven_classes.pth", .device = "cpu"});
  CHECK(classes.message.find("11x256x1x1") != std::string::npos);
  const auto script = error({.weights = kFolder + "bisenet_script.pt", .device = "cpu"});
  CHECK(script.message.find("model: torchscript") != std::string::npos);
  const auto state = error({.kind = TorchModelKind::kTorchScript,
                            .weights = kFolder + "bisenet_zip.pth",
                            .device = "cpu"});
  CHECK(state.message.find("not a TorchScript module") != std::string::npos);
  const auto device = error({.weights = kFolder + "bisenet_zip.pth", .device = "cuda:4096"});
  CHECK(device.code == ErrorCode::kUsage);
  CHECK(device.message.find("cuda:4096") != std::string::npos);
  const auto text = error({.weights = kFolder + "bisenet_zip.pth", .device = "gpu"});
  CHECK(text.message.find("auto, cpu, cuda and cuda:N") != std::string::npos);
}

}  // namespace
}  // namespace millrace
