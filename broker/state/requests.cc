#include "broker/state/requests.h"

#include <utility>

namespace millrace {
namespace {

template <typename T>
Result<StateAnswer> Answer(Result<T> result) {
  if (!result) return Fail(std::move(result).error());
  if constexpr (std::is_void_v<T>) {
    return StateAnswer();
  } else {
    return StateAnswer(std::move(*result));
  }
}

struct Executor {
  State& state;

  Result<StateAnswer> operator()(const OpenRun& open) const {
    return Answer(state.Open(open.order, open.now_s));
  }
  Result<StateAnswer> operator()(const RetryRun& retry) const {
    return Answer(state.Retry(retry.output, retry.folder, retry.stage, retry.code));
  }
  Result<StateAnswer> operator()(const StartRun& start) const {
    return Answer(state.Start(start.run, start.recipes, start.how));
  }
  Result<StateAnswer> operator()(const SetRecipe& set) const {
    return Answer(state.SetRecipe(set.run, set.stage, set.recipe));
  }
  Result<StateAnswer> operator()(const SetPhase& set) const {
    return Answer(state.SetPhase(set.run, set.phase));
  }
  Result<StateAnswer> operator()(const RecordScan& scan) const {
    return Answer(state.RecordScan(scan));
  }
  Result<StateAnswer> operator()(const ItemEnded& ended) const {
    return Answer(state.EndItem(ended));
  }
  Result<StateAnswer> operator()(const ItemMarked& marked) const {
    return Answer(state.Mark(marked));
  }
  Result<StateAnswer> operator()(const ForgetRuns& forget) const {
    return Answer(state.Forget(forget.runs, forget.before_s));
  }
  Result<StateAnswer> operator()(const CloseRun&) const { return Misplaced(); }
  Result<StateAnswer> operator()(const BackUp&) const { return Misplaced(); }

  static Result<StateAnswer> Misplaced() {
    return Fail(ErrorCode::kInternal, "a request that stands alone is inside a transaction");
  }
};

}  // namespace

bool StandsAlone(const StateRequest& request) {
  return std::holds_alternative<CloseRun>(request) || std::holds_alternative<BackUp>(request);
}

Result<StateAnswer> Execute(State& state, const StateRequest& request) {
  return std::visit(Executor{state}, request);
}

bool IsRefusal(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kUsage;
}

}  // namespace millrace
