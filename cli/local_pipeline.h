// A whole topology as child processes of this one: a broker and its workers. What `millrace run`
// and `millrace up` share.
//
// Driven from the main thread: poll what StderrFds names, then Step.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/broker_supervisor.h"
#include "cli/worker_supervisor.h"
#include "common/base/clock.h"
#include "common/config/topology.h"
#include "common/net/context.h"
#include "common/net/control_client.h"
#include "common/os/temp_dir.h"

namespace millrace::cli {

// Finds "millrace-NAME" beside this executable, else in PATH; a name with a slash stands for
// itself. kUsage where there is none.
Result<std::string> FindExecutable(const std::string& name);

class LocalPipeline {
 public:
  struct Options {
    Topology topology;      // with every value in its place
    std::string log_level;  // of all processes; "": as the topology and MILLRACE_LOG say
    // Runs that an earlier broker left unfinished wait until somebody submits them again.
    bool hold = false;
    // Takes the processes' lines of stderr, ready to be shown.
    std::function<void(std::string_view line)> on_line;
  };

  // Writes the topology into `dir` for the children to read, and starts them. The clock and the dir
  // outlive the pipeline; destroying it kills what still runs.
  static Result<std::unique_ptr<LocalPipeline>> Start(const Clock& clock, const TempDir& dir,
                                                      Options options);

  // The children's requests travel here too: replies to what the caller did not ask are to be
  // expected (an "exit" is answered with "ok").
  [[nodiscard]] net::ControlClient& control() { return control_; }

  [[nodiscard]] std::vector<int> StderrFds() const;
  [[nodiscard]] std::optional<Instant> NextStep() const;
  void Step();
  // To be called with every reply that control() gives.
  void OnReply(const wire::ReplyEnvelope& reply);

  // Why the pipeline is of no use any more, once it is: a worker that cannot start, in its words.
  [[nodiscard]] const std::string& cannot_start() const { return cannot_start_; }
  // How the broker ended for good, and in words; nullopt while it runs or is started again.
  [[nodiscard]] const std::optional<ChildEnd>& BrokerEnd() const { return broker_.end(); }
  [[nodiscard]] std::string DescribeBrokerEnd() const { return broker_.DescribeEnd(); }
  // What its end means for our own exit status.
  [[nodiscard]] int BrokerExitStatus() const;
  // Rises with each new broker: what was asked of the one before and has no answer is to be asked
  // again.
  [[nodiscard]] int broker_restarts() const { return broker_.restarts(); }

  // From here on nothing is restarted: the children may have been told to leave by others than us.
  void ExpectEnds();
  // ExpectEnds; and the broker, where it is still there, is asked to let the workers finish what
  // they hold, to send them away and to leave; once it has, SIGTERM tells those that are left. Then
  // Step until AllEnded.
  void Shutdown();
  // Waits for no worker: they are killed, and the broker is asked to write what there is of the
  // reports and to leave. Then Step until AllEnded, but not for ever.
  void ShutdownNow();
  [[nodiscard]] bool AllEnded() const;
  void KillAll();
  // How often the broker is asked which processes it has given up, and workers are looked at.
  static constexpr Duration kLookEvery = std::chrono::seconds(1);
  // A broker that has left so many of these looks in a row without an answer, or has been found
  // stopped so often before it ever answered, is frozen. Many, since a machine may be overloaded
  // and a disk slow; fewer once we are to end.
  static constexpr int kPatience = 15;
  static constexpr int kPatienceOnceInterrupted = 5;
  static constexpr int kAskAgain = 3;

  // The longest drain_timeout of its stages: what the broker may wait for workers that leave.
  [[nodiscard]] Duration LongestDrain() const { return longest_drain_; }

 private:
  LocalPipeline(const Clock& clock, Options options, net::Context context,
                net::ControlClient control, ChildOptions broker);

  void Forward(const std::string& name, std::string_view line) const;
  void TellDeath(const std::string& name, const ChildEnd& end) const;
  void TellExit(const wire::Exit& exit);
  void LookAtBroker();

  const Clock& clock_;
  const std::function<void(std::string_view line)> on_line_;
  const Duration longest_drain_;
  net::Context context_;
  net::ControlClient control_;
  BrokerSupervisor broker_;
  WorkerSupervisor workers_;
  std::string cannot_start_;
  bool shutting_down_ = false;
  bool workers_told_ = false;  // by a signal, where the broker could not
  bool interrupted_ = false;   // ends are expected
  Instant next_look_{};
  std::uint64_t lost_id_ = 0;  // of the request that has no answer; 0: none
  int watched_ = 0;            // broker_restarts() of the broker that is being asked
  bool answered_ = false;      // by it, ever
  int silent_looks_ = 0;
};

}  // namespace millrace::cli
