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

  Result<StateAnswer> operator()(const FindPlaces& find) const {
    Result<std::vector<std::string>> places = state.PlacesOf(find.folder, find.output);
    if (!places) return Fail(std::move(places).error());
    return StateAnswer(FoundPlaces{std::move(*places)});
  }
  Result<StateAnswer> operator()(const OpenRun& open) const {
    return Answer(state.Open(open.order, open.now_s, open.copies));
  }
  Result<StateAnswer> operator()(const RetryRun& retry) const {
    return Answer(state.Retry(retry.output, retry.folder, retry.stage, retry.code, retry.copies));
  }
  Result<StateAnswer> operator()(const StartRun& start) const {
    return Answer(state.Start(start.run, start.recipes, start.how, start.copies));
  }
  Result<StateAnswer> operator()(const SetRecipe& set) const {
    return Answer(state.SetRecipe(set.run, set.stage, set.recipe));
  }
  Result<StateAnswer> operator()(const SetPhase& set) const {
    return Answer(state.SetPhase(set.run, set.phase));
  }
  Result<StateAnswer> operator()(const FindOutputs& find) const {
    Result<std::vector<wire::OutputFile>> files = state.OutputsOf(find.run, find.keys);
    if (!files) return Fail(std::move(files).error());
    return StateAnswer(FoundOutputs{std::move(*files)});
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
  Result<StateAnswer> operator()(const SummarizeRun& of) const {
    Result<RunSummary> summary = state.Summarize(of.run);
    if (!summary) return Fail(std::move(summary).error());
    ASSIGN_OR_RETURN(std::vector<std::string> names, state.RecordNames(of.run));
    return StateAnswer(RunListing{std::move(*summary), std::move(names)});
  }
  Result<StateAnswer> operator()(const ReadReport& read) const {
    const auto answer = [](auto list, auto into) -> Result<StateAnswer> {
      if (!list) return Fail(std::move(list).error());
      ReportPage page{.last = std::move(list->last), .more = list->more};
      page.*into = std::move(list->rows);
      return StateAnswer(std::move(page));
    };
    switch (read.list) {
      case ReadReport::List::kFailed:
        return answer(state.Failures(read.run, read.after), &ReportPage::items);
      case ReadReport::List::kDeleted:
        return answer(state.Deleted(read.run, read.after), &ReportPage::items);
      case ReadReport::List::kRecords:
        return answer(state.Records(read.run, read.name, read.after), &ReportPage::lines);
    }
    return Fail(ErrorCode::kInternal, "no such list");
  }
  Result<StateAnswer> operator()(const CloseRun& close) const {
    RETURN_IF_ERROR(state.Remove(close.run, close.forget));
    return Answer(state.Close(close.run, close.phase, close.status, close.now_s));
  }
  Result<StateAnswer> operator()(const BackUp& back_up) const {
    return Answer(state.BackUp(back_up.path));
  }
};

}  // namespace

bool StandsAlone(const StateRequest& request) { return std::holds_alternative<BackUp>(request); }

// The others that ask read what may have to be noted on the way: a recipe's number, say.
bool OnlyReads(const StateRequest& request) {
  return std::holds_alternative<ReadReport>(request) || std::holds_alternative<FindPlaces>(request);
}

Result<StateAnswer> Execute(State& state, const StateRequest& request) {
  return std::visit(Executor{state}, request);
}

bool IsRefusal(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kUsage;
}

}  // namespace millrace
