#include "common/image/resize_kernels.h"

#include <algorithm>

// Compiled once for each instruction set, the best one being chosen at run time. Vectors whose size
// is unknown to the compiler cannot be members, as Sums has them: those sets use NEON's kernels.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/image/resize_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Multiplying 16 by 16 bits in pairs (pmaddwd) is twice as fast as 32 by 32: a weight of 22 bits is
// split into high * 2^11 + low, and the two sums are joined at the end. Both may wrap around; their
// joint sum fits 31 bits, so that arithmetic modulo 2^32 gives it exactly.

// This file is compiled into one object several times over; this part belongs to no instruction
// set.
#ifndef MILLRACE_COMMON_IMAGE_RESIZE_KERNELS_ONCE
#define MILLRACE_COMMON_IMAGE_RESIZE_KERNELS_ONCE
namespace millrace {
namespace {

constexpr int kSplitBits = 11;
constexpr std::int32_t kLowMask = (1 << kSplitBits) - 1;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

struct HorizontalArguments {
  const std::uint8_t* in;
  std::size_t in_stride;
  std::uint8_t* out;
  std::size_t out_stride;
  int out_size;
  const std::uint32_t* first;
  const std::uint32_t* begin;
  const std::int16_t* high;
  const std::int16_t* low;
};

}  // namespace
}  // namespace millrace
#endif  // MILLRACE_COMMON_IMAGE_RESIZE_KERNELS_ONCE

HWY_BEFORE_NAMESPACE();
namespace millrace {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

// For CPUs without vectors that are known here.
void Layout(int /*channels*/, std::size_t* taps_per_vector, std::size_t* copies) {
  *taps_per_vector = 2;
  *copies = 1;
}

void HorizontalRows(const HorizontalArguments& a, int channels, int rows) {
  for (int row = 0; row < rows; ++row) {
    const std::uint8_t* in = a.in + static_cast<std::size_t>(row) * a.in_stride;
    std::uint8_t* out = a.out + static_cast<std::size_t>(row) * a.out_stride;
    for (int x = 0; x < a.out_size; ++x) {
      for (int c = 0; c < channels; ++c) {
        std::int32_t sum = kHalf;
        const std::uint8_t* at = in + a.first[x] + c;
        for (std::uint32_t i = 2 * a.begin[x]; i < 2 * a.begin[x + 1]; ++i, at += channels) {
          sum += *at * (a.high[i] * (1 << kSplitBits) + a.low[i]);
        }
        *out++ = static_cast<std::uint8_t>(std::min(sum >> kWeightBits, 255));
      }
    }
  }
}

void VerticalRow(const std::uint8_t* in, std::size_t in_stride, std::size_t row_bytes,
                 const std::int32_t* weights, int count, std::uint8_t* out) {
  for (std::size_t x = 0; x < row_bytes; ++x) {
    std::int32_t sum = kHalf;
    for (int i = 0; i < count; ++i) {
      sum += in[static_cast<std::size_t>(i) * in_stride + x] * weights[i];
    }
    out[x] = static_cast<std::uint8_t>(std::min(sum >> kWeightBits, 255));
  }
}

#else

// At most 32 bytes: the pixel kernels load 16 bytes and use them in both halves.
using D8 = hn::CappedTag<std::uint8_t, 32>;
using D16 = hn::Repartition<std::int16_t, D8>;
using D32 = hn::Repartition<std::int32_t, D8>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;

// A sum in the making: both parts, and the second registers that some targets need.
struct Sums {
  V32 high0, high1, low0, low1;

  HWY_INLINE Sums()
      : high0(hn::Zero(D32())),
        high1(hn::Zero(D32())),
        low0(hn::Zero(D32())),
        low1(hn::Zero(D32())) {}

  HWY_INLINE void Add(V16 samples, V16 high, V16 low) {
    high0 = hn::ReorderWidenMulAccumulate(D32(), samples, high, high0, high1);
    low0 = hn::ReorderWidenMulAccumulate(D32(), samples, low, low0, low1);
  }
  // The lanes' sums; not yet rounded.
  HWY_INLINE V32 Join() const {
    return hn::Add(hn::ShiftLeft<kSplitBits>(hn::RearrangeToOddPlusEven(high0, high1)),
                   hn::RearrangeToOddPlusEven(low0, low1));
  }
};

HWY_INLINE V32 RoundAndClip(V32 sum) {
  const D32 d;
  return hn::Min(hn::ShiftRight<kWeightBits>(hn::Add(sum, hn::Set(d, kHalf))), hn::Set(d, 255));
}

// Bytes `from`[i] of each 16-byte block; 0x80 gives zero.
struct ByteOrder {
  alignas(32) std::uint8_t bytes[32];
  explicit ByteOrder(const std::uint8_t (&first)[16], const std::uint8_t (&second)[16]) {
    std::copy_n(first, 16, bytes);
    std::copy_n(second, 16, bytes + 16);
  }
};

constexpr std::uint8_t kZ = 0x80;
// Pixels 0 and 1 (and, in the second block, 2 and 3) as pairs of 16-bit samples a channel.
const ByteOrder& PairsOfThree() {
  static const ByteOrder kOrder({0, kZ, 3, kZ, 1, kZ, 4, kZ, 2, kZ, 5, kZ, kZ, kZ, kZ, kZ},
                                {6, kZ, 9, kZ, 7, kZ, 10, kZ, 8, kZ, 11, kZ, kZ, kZ, kZ, kZ});
  return kOrder;
}
const ByteOrder& PairsOfFour() {
  static const ByteOrder kOrder({0, kZ, 4, kZ, 1, kZ, 5, kZ, 2, kZ, 6, kZ, 3, kZ, 7, kZ},
                                {8, kZ, 12, kZ, 9, kZ, 13, kZ, 10, kZ, 14, kZ, 11, kZ, 15, kZ});
  return kOrder;
}

// Blocks of 16 bytes in a vector: 1 or 2.
std::size_t Blocks() { return hn::Lanes(D8()) / 16; }

// How the weights are laid out for HorizontalRows: taps a vector, and copies of each pair.
void Layout(int channels, std::size_t* taps_per_vector, std::size_t* copies) {
  *taps_per_vector = channels == 1 ? 8 * Blocks() : 2 * Blocks();
  *copies = channels == 1 ? 1 : 4;
}

// kRows rows at once share the loads of the weights, which outweigh those of the samples.
template <int kChannels, int kRows>
HWY_INLINE void PixelRows(const HorizontalArguments& a, V8 order) {
  const D8 d8;
  const D16 d16;
  const D32 d32;
  const std::size_t lanes = hn::Lanes(d16);
  const std::size_t step = 2 * Blocks() * kChannels;
  for (int x = 0; x < a.out_size; ++x) {
    Sums sums[kRows];
    const std::uint8_t* in = a.in + a.first[x];
    for (std::uint32_t v = a.begin[x]; v < a.begin[x + 1]; ++v, in += step) {
      const V16 high = hn::LoadU(d16, a.high + v * lanes);
      const V16 low = hn::LoadU(d16, a.low + v * lanes);
      for (int r = 0; r < kRows; ++r) {
        const V8 pixels = hn::LoadDup128(d8, in + static_cast<std::size_t>(r) * a.in_stride);
        sums[r].Add(hn::BitCast(d16, hn::TableLookupBytesOr0(pixels, order)), high, low);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      V32 sum = sums[r].Join();
      if (Blocks() == 2) sum = hn::Add(sum, hn::ConcatLowerUpper(d32, sum, sum));
      alignas(32) std::int32_t values[8];
      hn::Store(RoundAndClip(sum), d32, values);
      std::uint8_t* out = a.out + static_cast<std::size_t>(r) * a.out_stride;
      for (int c = 0; c < kChannels; ++c) {
        out[x * kChannels + c] = static_cast<std::uint8_t>(values[c]);
      }
    }
  }
}

template <int kChannels>
void Pixels(HorizontalArguments a, int rows, const ByteOrder& order) {
  const V8 table = hn::Load(D8(), order.bytes);
  for (; rows >= 4; rows -= 4) {
    PixelRows<kChannels, 4>(a, table);
    a.in += 4 * a.in_stride;
    a.out += 4 * a.out_stride;
  }
  for (; rows > 0; --rows) {
    PixelRows<kChannels, 1>(a, table);
    a.in += a.in_stride;
    a.out += a.out_stride;
  }
}

void GreyRows(HorizontalArguments a, int rows) {
  const D16 d16;
  const D32 d32;
  const hn::Rebind<std::uint8_t, D16> d8;
  const std::size_t lanes = hn::Lanes(d16);
  for (; rows > 0; --rows, a.in += a.in_stride, a.out += a.out_stride) {
    for (int x = 0; x < a.out_size; ++x) {
      Sums sums;
      const std::uint8_t* in = a.in + a.first[x];
      for (std::uint32_t v = a.begin[x]; v < a.begin[x + 1]; ++v, in += lanes) {
        sums.Add(hn::PromoteTo(d16, hn::LoadU(d8, in)), hn::LoadU(d16, a.high + v * lanes),
                 hn::LoadU(d16, a.low + v * lanes));
      }
      const auto total = hn::GetLane(hn::SumOfLanes(d32, sums.Join()));
      a.out[x] =
          static_cast<std::uint8_t>(std::min<std::int32_t>((total + kHalf) >> kWeightBits, 255));
    }
  }
}

void HorizontalRows(const HorizontalArguments& arguments, int channels, int rows) {
  switch (channels) {
    case 1:
      return GreyRows(arguments, rows);
    case 3:
      return Pixels<3>(arguments, rows, PairsOfThree());
    default:
      return Pixels<4>(arguments, rows, PairsOfFour());
  }
}

// One output row of the vertical pass from `count` input rows.
void VerticalRow(const std::uint8_t* in, std::size_t in_stride, std::size_t row_bytes,
                 const std::int32_t* weights, int count, std::uint8_t* out) {
  const D8 d8;
  const D16 d16;
  const D32 d32;
  const std::size_t lanes = hn::Lanes(d8);
  const V8 zero = hn::Zero(d8);
  // The lowest byte of each 32-bit lane, to a quarter of its block.
  static const ByteOrder kQuarter({0, 4, 8, 12, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ},
                                  {0, 4, 8, 12, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ, kZ});
  const V8 quarter = hn::Load(d8, kQuarter.bytes);
  std::size_t x = 0;
  for (; x + lanes <= row_bytes; x += lanes) {
    Sums sums[4];
    for (int i = 0; i < count; i += 2) {
      const bool pair = i + 1 < count;
      const std::uint8_t* at = in + static_cast<std::size_t>(i) * in_stride + x;
      const V8 a = hn::LoadU(d8, at);
      const V8 b = pair ? hn::LoadU(d8, at + in_stride) : zero;
      const std::int32_t wa = weights[i];
      const std::int32_t wb = pair ? weights[i + 1] : 0;
      const V16 high = hn::BitCast(
          d16, hn::Set(d32, (wa >> kSplitBits) |
                                static_cast<std::int32_t>(
                                    static_cast<std::uint32_t>(wb >> kSplitBits) << 16)));
      const V16 low = hn::BitCast(d16, hn::Set(d32, (wa & kLowMask) | ((wb & kLowMask) << 16)));
      const V8 lower = hn::InterleaveLower(d8, a, b);
      const V8 upper = hn::InterleaveUpper(d8, a, b);
      sums[0].Add(hn::BitCast(d16, hn::InterleaveLower(d8, lower, zero)), high, low);
      sums[1].Add(hn::BitCast(d16, hn::InterleaveUpper(d8, lower, zero)), high, low);
      sums[2].Add(hn::BitCast(d16, hn::InterleaveLower(d8, upper, zero)), high, low);
      sums[3].Add(hn::BitCast(d16, hn::InterleaveUpper(d8, upper, zero)), high, low);
    }
    const auto pack = [&](int i) HWY_ATTR {
      return hn::BitCast(
          d32, hn::TableLookupBytesOr0(hn::BitCast(d8, RoundAndClip(sums[i].Join())), quarter));
    };
    const V32 first = hn::Or(pack(0), hn::ShiftLeftLanes<1>(d32, pack(1)));
    const V32 second =
        hn::Or(hn::ShiftLeftLanes<2>(d32, pack(2)), hn::ShiftLeftLanes<3>(d32, pack(3)));
    hn::StoreU(hn::BitCast(d8, hn::Or(first, second)), d8, out + x);
  }
  for (; x < row_bytes; ++x) {
    std::int32_t sum = kHalf;
    for (int i = 0; i < count; ++i) {
      sum += in[static_cast<std::size_t>(i) * in_stride + x] * weights[i];
    }
    out[x] = static_cast<std::uint8_t>(std::min(sum >> kWeightBits, 255));
  }
}

#endif  // HWY_SCALAR

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace millrace
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace {
namespace {

HWY_EXPORT(Layout);
HWY_EXPORT(HorizontalRows);
HWY_EXPORT(VerticalRow);

}  // namespace

HorizontalPass::HorizontalPass(const AxisWeights& axis, int channels)
    : channels_(channels), out_size_(axis.out_size) {
  std::size_t taps = 0;
  std::size_t copies = 0;
  HWY_DYNAMIC_DISPATCH(Layout)(channels, &taps, &copies);
  const auto outputs = static_cast<std::size_t>(axis.out_size);
  first_.reserve(outputs);
  begin_.reserve(outputs + 1);
  begin_.push_back(0);
  for (std::size_t i = 0; i < outputs; ++i) {
    first_.push_back(static_cast<std::uint32_t>(axis.first[i]) *
                     static_cast<std::uint32_t>(channels));
    const auto count = static_cast<std::size_t>(axis.count[i]);
    const std::size_t vectors = (count + taps - 1) / taps;
    begin_.push_back(begin_.back() + static_cast<std::uint32_t>(vectors));
    const std::int32_t* weights = axis.fixed.data() + i * static_cast<std::size_t>(axis.taps);
    // Pairs of taps, each pair once for every 32-bit lane of its block.
    for (std::size_t pair = 0; pair < vectors * taps; pair += 2) {
      for (std::size_t copy = 0; copy < copies; ++copy) {
        for (std::size_t tap = pair; tap < pair + 2; ++tap) {
          const std::int32_t weight = tap < count ? weights[tap] : 0;
          high_.push_back(static_cast<std::int16_t>(weight >> kSplitBits));
          low_.push_back(static_cast<std::int16_t>(weight & kLowMask));
        }
      }
    }
  }
}

void HorizontalPass::Run(const std::uint8_t* in, std::size_t in_stride, std::uint8_t* out,
                         std::size_t out_stride, int rows) const {
  HWY_DYNAMIC_DISPATCH(HorizontalRows)
  ({in, in_stride, out, out_stride, out_size_, first_.data(), begin_.data(), high_.data(),
    low_.data()},
   channels_, rows);
}

void VerticalPass(const AxisWeights& axis, const std::uint8_t* in, std::size_t in_stride,
                  std::size_t row_bytes, std::uint8_t* out, std::size_t out_stride) {
  for (int y = 0; y < axis.out_size; ++y) {
    const auto i = static_cast<std::size_t>(y);
    HWY_DYNAMIC_DISPATCH(VerticalRow)
    (in + static_cast<std::size_t>(axis.first[i]) * in_stride, in_stride, row_bytes,
     axis.fixed.data() + i * static_cast<std::size_t>(axis.taps), axis.count[i],
     out + i * out_stride);
  }
}

}  // namespace millrace
#endif  // HWY_ONCE
