#include "common/image/resize.h"

#include <doctest/doctest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "common/image/resize_kernels.h"
#include "common/image/resize_weights.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

std::vector<std::uint8_t> Random(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(size + PixelBytes::kSlack);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// The definition, one sample at a time.
std::uint8_t Weighted(const AxisWeights& axis, int i, const std::uint8_t* first, std::size_t step) {
  const auto at = static_cast<std::size_t>(i);
  std::int64_t sum = 1 << (kWeightBits - 1);
  for (int j = 0; j < axis.count[at]; ++j) {
    sum += std::int64_t{first[static_cast<std::size_t>(axis.first[at] + j) * step]} *
           axis.fixed[at * static_cast<std::size_t>(axis.taps) + static_cast<std::size_t>(j)];
  }
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> kWeightBits, 0, 255));
}

constexpr std::pair<int, int> kLengths[] = {{1, 1},     {1, 7},     {7, 1},    {2, 3},
                                            {5, 5},     {100, 33},  {33, 100}, {999, 5},
                                            {1024, 64}, {4099, 512}};

// Runs `body` once for every instruction set that this CPU has.
template <typename Body>
void OnEveryTarget(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    CAPTURE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST_CASE("the horizontal pass equals its definition on every instruction set") {
  OnEveryTarget([] {
    for (const int channels : {1, 3, 4}) {
      for (const auto& [in_size, out_size] : kLengths) {
        constexpr int kRows = 6;  // four rows at once, and two more
        const auto samples = static_cast<std::size_t>(channels);
        const std::size_t in_stride = static_cast<std::size_t>(in_size) * samples;
        const std::size_t out_stride = static_cast<std::size_t>(out_size) * samples;
        const auto in = Random(in_stride * kRows, 1);
        std::vector<std::uint8_t> out(out_stride * kRows + 1, 0xA5);
        const AxisWeights axis = BilinearWeights(in_size, out_size);
        HorizontalPass(axis, channels).Run(in.data(), in_stride, out.data(), out_stride, kRows);
        int wrong = 0;
        for (int y = 0; y < kRows; ++y) {
          for (int x = 0; x < out_size; ++x) {
            for (std::size_t c = 0; c < samples; ++c) {
              const auto row = static_cast<std::size_t>(y);
              wrong += out[row * out_stride + static_cast<std::size_t>(x) * samples + c] !=
                       Weighted(axis, x, in.data() + row * in_stride + c, samples);
            }
          }
        }
        CAPTURE(channels);
        CAPTURE(in_size);
        CAPTURE(out_size);
        CHECK(wrong == 0);
        CHECK(out.back() == 0xA5);  // nothing is written beyond the last row
      }
    }
  });
}

TEST_CASE("the vertical pass equals its definition on every instruction set") {
  OnEveryTarget([] {
    for (const std::size_t row_bytes : {1, 31, 32, 33, 200}) {
      for (const auto& [in_size, out_size] : kLengths) {
        const auto in = Random(row_bytes * static_cast<std::size_t>(in_size), 2);
        std::vector<std::uint8_t> out(row_bytes * static_cast<std::size_t>(out_size) + 1, 0xA5);
        const AxisWeights axis = BilinearWeights(in_size, out_size);
        VerticalPass(axis, in.data(), row_bytes, row_bytes, out.data(), row_bytes);
        int wrong = 0;
        for (int y = 0; y < out_size; ++y) {
          for (std::size_t x = 0; x < row_bytes; ++x) {
            wrong += out[static_cast<std::size_t>(y) * row_bytes + x] !=
                     Weighted(axis, y, in.data() + x, row_bytes);
          }
        }
        CAPTURE(row_bytes);
        CAPTURE(in_size);
        CAPTURE(out_size);
        CHECK(wrong == 0);
        CHECK(out.back() == 0xA5);
      }
    }
  });
}

TEST_CASE("white stays white, however many weights add up to it") {
  const AxisWeights axis = BilinearWeights(65536, 1);
  std::vector<std::uint8_t> in(65536 + PixelBytes::kSlack, 255);
  std::uint8_t out = 0;
  OnEveryTarget([&] {
    HorizontalPass(axis, 1).Run(in.data(), 65536, &out, 1, 1);
    CHECK(out == 255);
    VerticalPass(axis, in.data(), 1, 1, &out, 1);
    CHECK(out == 255);
  });
}

TEST_CASE("the vertical pass comes first where it spares more than twice the columns") {
  CHECK(VerticalFirst({1080, 1920}, {512, 512}, PassOrder::k13));
  CHECK_FALSE(VerticalFirst({1080, 1920}, {512, 512}, PassOrder::kOlder));
  CHECK_FALSE(VerticalFirst({1920, 1080}, {512, 512}, PassOrder::k13));
  // 2 * (513 - 512) = 2 rows spared are not more.
  CHECK_FALSE(VerticalFirst({513, 514}, {512, 512}, PassOrder::k13));
  CHECK(VerticalFirst({513, 515}, {512, 512}, PassOrder::k13));
  // Nothing to spare where the height grows.
  CHECK_FALSE(VerticalFirst({100, 500}, {512, 512}, PassOrder::k13));
}

TEST_CASE("an orientation and its inverse give the picture back") {
  Picture picture = Picture::Uninitialized(PixelMode::kRGB, 5, 3);
  const auto bytes = Random(picture.bytes.size(), 3);
  std::copy_n(bytes.begin(), picture.bytes.size(), picture.bytes.data());
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const int inverse = orientation == 6 ? 8 : orientation == 8 ? 6 : orientation;
    const Picture turned = Oriented(ResizeLikePillow(picture, {5, 3}, PassOrder::k13), orientation);
    CHECK(turned.width == (orientation >= 5 ? 3 : 5));
    const Picture back =
        Oriented(ResizeLikePillow(turned, {turned.width, turned.height}, PassOrder::k13), inverse);
    CHECK(std::memcmp(back.bytes.data(), bytes.data(), back.bytes.size()) == 0);
  }
}

}  // namespace
}  // namespace millrace
