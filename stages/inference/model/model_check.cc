// millrace-model-check: does a model give the same masks on the CPU and on a GPU, and how fast?
//
//   millrace-model-check WEIGHTS [--torchscript] [--device cuda] [--batch 8] [--rounds 10]
//                        [--threads 1] [--pictures FILE]
//
// FILE holds pictures of 512 x 512 x 3 bytes, RGB; without it they are made up. Prints, for the CPU
// and for the device where that is another, images/s and CPU seconds of the best round, and the
// part of the pixels whose class is the same. Exit status 0; 1 where less than 99.99 % of a picture
// agrees; 2 where something is wrong. Needs nothing of millrace but the model library.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "stages/inference/model/torch_model.h"

namespace {

using millrace::Labels;

constexpr std::int64_t kSide = 512;
constexpr std::size_t kPixels = kSide * kSide;

struct Arguments {
  millrace::TorchModelOptions model;
  std::string device = "auto";
  std::string pictures;
  std::size_t batch = 8;
  int rounds = 10;
};

bool Parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--torchscript") {
      out.model.kind = millrace::TorchModelKind::kTorchScript;
    } else if (!name.starts_with("--") && out.model.weights.empty()) {
      out.model.weights = name;
    } else if (i + 1 < argc && name == "--device") {
      out.device = argv[++i];
    } else if (i + 1 < argc && name == "--pictures") {
      out.pictures = argv[++i];
    } else if (i + 1 < argc && name == "--batch") {
      out.batch = static_cast<std::size_t>(std::max(1, std::atoi(argv[++i])));
    } else if (i + 1 < argc && name == "--rounds") {
      out.rounds = std::max(1, std::atoi(argv[++i]));
    } else if (i + 1 < argc && name == "--threads") {
      out.model.threads = std::max(1, std::atoi(argv[++i]));
    } else {
      return false;
    }
  }
  return !out.model.weights.empty();
}

// Soft gradients with some noise: enough for many classes with most weights.
std::vector<unsigned char> MadeUpPictures(std::size_t count) {
  std::vector<unsigned char> bytes(count * kPixels * 3);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t pixel = i / 3;
    const std::size_t x = pixel % kSide;
    const std::size_t y = pixel / kSide % kSide;
    state = state * 1664525 + 1013904223;  // Numerical Recipes' generator
    bytes[i] = static_cast<unsigned char>(
        (x * (1 + i % 3) / 3 + y * (1 + pixel / kPixels) / 4 + (state >> 27)) & 0xff);
  }
  return bytes;
}

// The masks of the pictures on one device; prints its rate.
millrace::Result<std::vector<Labels>> RunOn(const Arguments& arguments, const std::string& device,
                                            const millrace::PictureBatch& batch,
                                            std::string& runs_on) {
  auto options = arguments.model;
  options.device = device;
  ASSIGN_OR_RETURN(const auto model, millrace::LoadTorchModel(options));
  runs_on = model->RunsOn();
  ASSIGN_OR_RETURN(auto labels, model->Segment(batch));  // and warm-up
  const auto count = static_cast<double>(batch.pictures.size());
  double rate = 0;
  double cpu_seconds = 1e9;
  for (int round = 0; round < arguments.rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    ASSIGN_OR_RETURN(labels, model->Segment(batch));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    rate = std::max(rate, count / took.count());
    cpu_seconds = std::min(cpu_seconds,
                           static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC / count);
  }
  std::printf("%s: %.2f images/s in batches of %zu, %.4f CPU seconds an image\n", runs_on.c_str(),
              rate, batch.pictures.size(), cpu_seconds);
  return labels;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: millrace-model-check WEIGHTS [--torchscript] [--device cuda] [--batch 8] "
                 "[--rounds 10] [--threads 1] [--pictures FILE]\n");
    return 2;
  }
  std::vector<unsigned char> bytes = MadeUpPictures(arguments.batch);
  if (!arguments.pictures.empty()) {
    std::ifstream in(arguments.pictures, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
    bytes.resize(std::min(bytes.size() / (kPixels * 3), arguments.batch) * kPixels * 3);
    if (bytes.empty()) {
      std::fprintf(stderr, "%s holds no picture of 512 x 512 x 3 bytes\n",
                   arguments.pictures.c_str());
      return 2;
    }
  }
  millrace::PictureBatch batch{kSide, kSide, {}};
  for (std::size_t at = 0; at < bytes.size(); at += kPixels * 3) {
    batch.pictures.push_back(std::as_bytes(std::span(bytes).subspan(at, kPixels * 3)));
  }
  std::vector<Labels> masks[2];
  std::string runs_on[2];
  const std::string devices[2] = {"cpu", arguments.device};
  for (int i = 0; i < 2; ++i) {
    auto labels = RunOn(arguments, devices[i], batch, runs_on[i]);
    if (!labels) {
      std::fprintf(stderr, "%s\n", labels.error().message.c_str());
      return 2;
    }
    masks[i] = std::move(*labels);
    if (i == 0 && devices[1] == "cpu") return 0;
  }
  bool agree = true;
  for (std::size_t picture = 0; picture < masks[0].size(); ++picture) {
    std::size_t same = 0;
    bool classes[256] = {};
    for (std::size_t i = 0; i < kPixels; ++i) {
      same += masks[0][picture][i] == masks[1][picture][i] ? 1 : 0;
      classes[masks[0][picture][i]] = true;
    }
    int present = 0;
    for (const bool there : classes) present += there ? 1 : 0;
    std::printf("picture %zu: %.4f %% of its pixels agree, %d classes present\n", picture,
                100.0 * static_cast<double>(same) / kPixels, present);
    agree = agree && same * 10'000 >= kPixels * 9'999;
  }
  return agree ? 0 : 1;
}
