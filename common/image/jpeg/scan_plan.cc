#include "common/image/jpeg/scan_plan.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/image/jpeg/progressive_scan.h"
#include "common/image/jpeg/sequential_scan.h"

namespace millrace {
namespace {

JpegComponent& ComponentOf(JpegFrame& frame, const JpegScan::Part& part) {
  return frame.components[static_cast<std::size_t>(part.component)];
}

}  // namespace

// What bits the scan brings, and whether they are those that were missing.
JpegRefusal NoteProgression(const JpegScan& scan, JpegFrame& frame, const char*& suspicious) {
  for (const JpegScan::Part& part : scan.parts) {
    auto& missing = ComponentOf(frame, part).bits_missing;
    if (scan.first > 0 && missing[0] < 0) {
      suspicious = "a scan of AC coefficients precedes that of the DC ones";
    }
    bool again = false;
    for (int k = scan.first; k <= scan.last; ++k) {
      std::int8_t& bits = missing[static_cast<std::size_t>(k)];
      if (scan.high != std::max<int>(bits, 0)) {
        if (scan.high != 0) return "a scan refines what was not sent before";
        suspicious = "a scan sends again what was sent before";
      }
      again = again || (scan.high == 0 && bits >= 0);
      bits = static_cast<std::int8_t>(scan.low);
    }
    if (!again || scan.first == 0) continue;
    const std::uint64_t band =
        ~std::uint64_t{0} << scan.first & ~std::uint64_t{0} >> (63 - scan.last);
    for (std::uint64_t& known : ComponentOf(frame, part).nonzero) known &= ~band;
  }
  return nullptr;
}

namespace {

// What DC coefficients samples can have, of that quantization and without `low` bits.
void BoundDc(int quantization, int low, int sample_bits, EntropyTables& tables) {
  if (quantization == 0) return;
  // 8 times the samples, which are signed here; with room for the errors of encoders' transforms,
  // and above for what mozjpeg adds to white edges (overshoot deringing).
  constexpr std::int64_t kBelow = 1024 + 16;
  constexpr std::int64_t kAbove = 1016 + 16 + 8 * 31;
  const std::int64_t step = std::int64_t{quantization} << low;
  const int scale = sample_bits - 8;
  const std::int64_t lowest = -((kBelow << scale) / step + 1);
  const std::int64_t highest = (kAbove << scale) / step + 1;
  tables.dc_low = static_cast<std::uint32_t>(lowest);
  tables.dc_span = static_cast<std::uint32_t>(highest - lowest);
}

}  // namespace

JpegRefusal PlanScan(const JpegScan& scan, JpegFrame& frame, JpegTables& defined,
                     DcCoefficients& dcs, std::unique_ptr<EntropyScan>& blocks) {
  dcs = {};
  if (frame.progressive() && scan.first > 0) {
    EntropyTables tables;
    const auto kind = scan.high == 0 ? JpegTables::AcKind::kFirst : JpegTables::AcKind::kRefinement;
    if (const JpegRefusal wrong =
            defined.MakeAc(scan.parts[0].ac_table, kind, frame.bits, tables)) {
      return wrong;
    }
    std::vector<std::uint64_t>& nonzero = ComponentOf(frame, scan.parts[0]).nonzero;
    nonzero.resize(static_cast<std::size_t>(scan.mcus()));
    blocks = std::make_unique<AcScan>(nonzero, tables, scan.first, scan.last, scan.high != 0,
                                      frame.bits);
    return nullptr;
  }
  std::vector<EntropyTables> order;
  for (const JpegScan::Part& part : scan.parts) {
    EntropyTables tables;
    if (scan.high == 0 || !frame.progressive()) {
      if (const JpegRefusal wrong = defined.MakeDc(part.dc_table, frame.bits, tables)) return wrong;
    }
    if (!frame.progressive()) {
      if (const JpegRefusal wrong =
              defined.MakeAc(part.ac_table, JpegTables::AcKind::kSequential, frame.bits, tables)) {
        return wrong;
      }
    }
    const JpegComponent& component = ComponentOf(frame, part);
    BoundDc(defined.QuantizationOfDc(component.quantization), scan.low, frame.bits, tables);
    tables.part = static_cast<std::size_t>(&part - scan.parts.data());
    const bool alone = scan.parts.size() == 1;
    const int count = alone ? 1 : component.h * component.v;
    order.insert(order.end(), static_cast<std::size_t>(count), tables);
    // Larger steps leave nothing to be seen.
    constexpr int kLargestStep = 1 << 12;
    const int shift = frame.progressive() ? scan.low : 0;
    const int step = std::max(1, defined.QuantizationOfDc(component.quantization)) << shift;
    dcs.parts.push_back(
        {alone ? 1 : component.h, alone ? 1 : component.v, std::min(step, kLargestStep)});
  }
  if (scan.high == 0 || !frame.progressive()) {
    dcs.values.resize(static_cast<std::size_t>(scan.mcus()) * order.size());
  } else {
    dcs = {};
  }
  if (frame.progressive()) {
    blocks = std::make_unique<DcScan>(std::move(order), scan.high != 0, frame.bits, dcs.values);
  } else {
    blocks = std::make_unique<SequentialScan>(std::move(order), frame.bits, dcs.values);
  }
  return nullptr;
}

}  // namespace millrace
