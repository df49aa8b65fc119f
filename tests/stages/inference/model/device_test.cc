#include "stages/inference/model/device.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {
namespace {

std::string Choose(const std::string& text, int replica, const DevicesHere& here) {
  const auto choice = ChooseDevice(text, replica, here);
  return choice ? choice->device.str() + (choice->remark.empty() ? "" : " !" + choice->remark)
                : choice.error().message;
}

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("with auto the replicas share the GPUs, one after the other") {
  const DevicesHere three{.cuda = true, .gpus = 3, .driver = true};
  CHECK(Choose("auto", 0, three) == "cuda:0");
  CHECK(Choose("auto", 1, three) == "cuda:1");
  CHECK(Choose("auto", 2, three) == "cuda:2");
  CHECK(Choose("auto", 3, three) == "cuda:0");
  CHECK(Choose("auto", 7, {.cuda = true, .gpus = 1}) == "cuda:0");
  CHECK(Choose("auto", 1, {}) == "cpu");
}

TEST_CASE("a device that is named is that one for every replica, or not there") {
  const DevicesHere two{.cuda = true, .gpus = 2, .driver = true};
  CHECK(Choose("cpu", 1, two) == "cpu");
  CHECK(Choose("cuda", 1, two) == "cuda:0");
  CHECK(Choose("cuda:1", 0, two) == "cuda:1");
  CHECK(Says(Choose("cuda:2", 0, two), "cuda:2 is not there: 2 were found"));
  CHECK(Says(Choose("cuda", 0, {.cuda = true}), "no GPU was found"));
  CHECK(Says(Choose("cuda", 0, {}), "this build's LibTorch has no CUDA"));
}

TEST_CASE("auto says so where it means the CPU beside an NVIDIA driver, and says nothing else") {
  CHECK(Says(Choose("auto", 0, {.driver = true}), "this build's LibTorch has no CUDA"));
  CHECK(Says(Choose("auto", 0, {.driver = true}), "docs/gpu.md"));
  CHECK(Says(Choose("auto", 0, {.cuda = true, .driver = true}), "LibTorch finds no GPU"));
  CHECK(Choose("auto", 0, {}) == "cpu");
  CHECK(Choose("cpu", 0, {.driver = true}) == "cpu");
}

}  // namespace
}  // namespace millrace
