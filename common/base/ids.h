// Strong identifiers: a JobId cannot be passed where a RunId is meant.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace millrace {

template <typename Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  // 0 is no identifier: counters start at 1.
  [[nodiscard]] constexpr bool valid() const { return value_ != 0; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  std::uint64_t value_ = 0;
};

// One input file list going through one topology, from submit to its report.
using RunId = Id<struct RunTag>;
// One item at one stage, or one chunk of a scan.
using JobId = Id<struct JobTag>;
// One pair of links between a worker process and the broker (PROTOCOL.md, "Incarnations").
using IncarnationId = Id<struct IncarnationTag>;
// One life of a broker: random, new at every start.
using Epoch = Id<struct EpochTag>;
// Counts every send of a job; with the job, it names a lease.
using Delivery = Id<struct DeliveryTag>;

}  // namespace millrace

template <typename Tag>
struct std::hash<millrace::Id<Tag>> {
  std::size_t operator()(millrace::Id<Tag> id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value());
  }
};
