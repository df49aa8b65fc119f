// A JobContext for tests of stages: counts, and answers what the test wants.
#pragma once

#include <atomic>
#include <functional>

#include "common/stage/stage.h"

namespace millrace {

class FakeJobContext final : public JobContext {
 public:
  void Progress() override { ++progress; }
  [[nodiscard]] bool Cancelled(const Job& /*job*/) const override { return cancelled(); }
  [[nodiscard]] bool MayPublish(const Job& /*job*/) const override { return may_publish(); }

  std::atomic<int> progress = 0;
  std::function<bool()> cancelled = [] { return false; };
  std::function<bool()> may_publish = [] { return true; };
};

}  // namespace millrace
