#include "common/stage/handler.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "common/os/sandbox.h"
#include "common/os/thread_name.h"

namespace millrace {

// One Process call and what it may ask meanwhile.
class Handler::Call final : public JobContext {
 public:
  Call(Handler& handler, std::vector<Job> given)
      : jobs(std::move(given)), handler_(handler), cancelled_(jobs.size()) {}

  void Progress() override { ++handler_.progress_; }
  [[nodiscard]] bool Cancelled(const Job& job) const override {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i].id == job.id) return cancelled_[i].load();
    }
    return true;  // none of this call's
  }
  [[nodiscard]] bool MayPublish(const Job& job) const override {
    return !Cancelled(job) &&
           SteadyClock().Now().time_since_epoch().count() < handler_.lease_until_.load();
  }
  void Cancel(JobId id) {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i].id == id) cancelled_[i].store(true);
    }
  }

  const std::vector<Job> jobs;

 private:
  Handler& handler_;
  std::vector<std::atomic<bool>> cancelled_;  // one a job
};

Handler::Handler(UniqueFd event, StageMaker make, StageContext context)
    : event_(std::move(event)),
      thread_(
          [this, make = std::move(make), context = std::move(context)] { Run(make, context); }) {}

Result<std::unique_ptr<Handler>> Handler::Begin(StageMaker make, StageContext context) {
  UniqueFd event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event.valid()) {
    return Fail(ErrorCode::kInternal, "cannot make an eventfd: " + ErrnoText(errno));
  }
  return std::unique_ptr<Handler>(
      new Handler(std::move(event), std::move(make), std::move(context)));
}

Handler::~Handler() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  wake_.NotifyOne();
  thread_.join();
}

std::optional<HandlerEvent> Handler::TakeEvent() {
  std::uint64_t count = 0;
  if (read(event_.get(), &count, sizeof count) != sizeof count) return std::nullopt;
  const MutexLock lock(mutex_);
  busy_ = false;
  call_.reset();
  return std::exchange(answer_, std::nullopt);
}

void Handler::Process(std::vector<Job> jobs) {
  call_ = std::make_shared<Call>(*this, std::move(jobs));
  busy_ = true;
  {
    const MutexLock lock(mutex_);
    next_ = call_;
  }
  wake_.NotifyOne();
}

void Handler::Cancel(std::span<const JobId> jobs) {
  if (!call_) return;
  for (const JobId id : jobs) call_->Cancel(id);
}

void Handler::SetLeaseUntil(Instant instant) {
  lease_until_.store(instant.time_since_epoch().count());
}

void Handler::Answer(HandlerEvent event) {
  ++progress_;
  {
    const MutexLock lock(mutex_);
    answer_ = std::move(event);
  }
  const std::uint64_t one = 1;
  // Cannot fail: the counter is read before the next answer.
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
}

Result<std::unique_ptr<Stage>> Handler::StartStage(const StageMaker& make,
                                                   const StageContext& context,
                                                   std::string& ingredients) {
  try {
    std::unique_ptr<Stage> stage = make();
    RETURN_IF_ERROR(stage->Start(context));
    ingredients = stage->Ingredients();
    if (context.sandbox) {
      ASSIGN_OR_RETURN(const Sandbox sandbox, EnterSandbox());
      context.log->info("sandbox: {}", sandbox.Text());
    }
    return stage;
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, std::string("an exception left Start: ") + error.what());
  } catch (...) {
    return Fail(ErrorCode::kInternal, "an exception of no known kind left Start");
  }
}

Result<std::vector<Outcome>> Handler::RunCall(Stage& stage, Call& call) {
  ++progress_;
  try {
    return stage.Process(call.jobs, call);
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, std::string("an exception left Process: ") + error.what());
  } catch (...) {
    return Fail(ErrorCode::kInternal, "an exception of no known kind left Process");
  }
}

void Handler::Run(const StageMaker& make, const StageContext& context) {
  NameThread(context.stage);
  std::string ingredients;
  auto stage = StartStage(make, context, ingredients);
  if (!stage) return Answer(HandlerStarted{Fail(stage.error())});
  Answer(HandlerStarted{std::move(ingredients)});
  for (;;) {
    std::shared_ptr<Call> call;
    {
      const MutexLock lock(mutex_);
      while (!stop_ && next_ == nullptr) wake_.Wait(mutex_);
      if (stop_) return;
      call = std::exchange(next_, nullptr);
    }
    auto outcomes = RunCall(**stage, *call);
    call.reset();
    if (std::string why = (*stage)->Broken(); !why.empty()) {
      Answer(HandlerBroken{std::move(why)});
    } else {
      Answer(HandlerFinished{std::move(outcomes)});
    }
  }
}

}  // namespace millrace
