#include "broker/state/group_commit.h"

#include <utility>

namespace millrace {

Result<void> GroupCommit::Commit(std::vector<StateAnswered>& answers, std::uint64_t through,
                                 const Publish& publish) {
  if (state_->in_transaction()) RETURN_IF_ERROR(state_->Commit());
  publish(std::exchange(answers, {}), through);
  return {};
}

Result<void> GroupCommit::Execute(std::deque<Posted>& batch, const Publish& publish) {
  std::vector<StateAnswered> answers;
  for (Posted& posted : batch) {
    Result<StateAnswer> answer;
    if (StandsAlone(posted.request)) {
      RETURN_IF_ERROR(Commit(answers, posted.number - 1, publish));
      answer = millrace::Execute(*state_, posted.request);  // a copy that fails harms nothing
    } else {
      if (!state_->in_transaction() && !OnlyReads(posted.request)) {
        RETURN_IF_ERROR(state_->Begin());
      }
      answer = millrace::Execute(*state_, posted.request);
      if (!answer && !IsRefusal(answer.error())) return Fail(std::move(answer).error());
    }
    answers.push_back({posted.number, std::move(answer)});
  }
  return Commit(answers, batch.back().number, publish);
}

Result<void> GroupCommit::CarryOut(std::deque<Posted>& batch, const Publish& publish) {
  Result<void> done = Execute(batch, publish);
  if (!done) state_->Rollback();
  return done;
}

}  // namespace millrace
