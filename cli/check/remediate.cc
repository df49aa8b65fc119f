#include "cli/check/remediate.h"

#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <csignal>
#include <filesystem>
#include <optional>

#include "cli/check/deletion.h"
#include "cli/check/quarantine.h"
#include "cli/check/undo.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/run_input.h"

namespace millrace::cli {
namespace {

// Counts what became of the files, and tells it.
class ActLog {
 public:
  ActLog(SignalFd& signals, Terminal& terminal, bool verbose)
      : signals_(signals), terminal_(terminal), verbose_(verbose) {}

  void Note(const std::string& path, const ActResult& result) {
    ++counts_.at(static_cast<std::size_t>(result.what));
    if (result.what == ActionResult::kDone && !verbose_) return;
    if (result.what == ActionResult::kGone && !verbose_) return;
    const char* left = result.what == ActionResult::kLeftAlone ? "left alone: " : "";
    terminal_.Print(path + ": " + left + result.text);
  }

  // Whether a signal asks to stop here, between two files.
  bool Interrupted() {
    while (const std::optional<int> signal = signals_.Next()) {
      if (*signal != SIGCHLD) signal_ = *signal;
    }
    return signal_ != 0;
  }

  // "3 deleted, 1 left alone"; `gone` says what it means that a file was not there.
  int Conclude(const std::string& done, const char* gone = "already gone") {
    std::string text = fmt::format("{} {}", Grouped(Count(ActionResult::kDone)), done);
    const auto add = [&](ActionResult what, const char* name) {
      if (Count(what) > 0) text += fmt::format(", {} {}", Grouped(Count(what)), name);
    };
    add(ActionResult::kGone, gone);
    add(ActionResult::kLeftAlone, "left alone");
    add(ActionResult::kFailed, "not possible");
    terminal_.Print(text);
    if (signal_ != 0) {
      terminal_.Print("millrace: interrupted; the same command goes on where it stopped");
      return ExitStatusOfSignal(signal_);
    }
    return Count(ActionResult::kFailed) > 0 ? kExitUnfinished : kExitDone;
  }

  [[nodiscard]] std::int64_t Count(ActionResult what) const {
    return counts_.at(static_cast<std::size_t>(what));
  }

 private:
  SignalFd& signals_;
  Terminal& terminal_;
  const bool verbose_;
  std::array<std::int64_t, 4> counts_{};
  int signal_ = 0;
};

// Ends a pass over verdicts early, without being an error.
constexpr ErrorCode kStopHere = ErrorCode::kUnavailable;

Result<void> ForEachBroken(const VerdictSource& verdicts, const ActRule& rule, ActLog& log,
                           const std::function<Result<ActResult>(const FileVerdict&)>& act) {
  bool stopped = false;
  const Result<void> passed = verdicts([&](const FileVerdict& verdict) -> Result<void> {
    if (!rule.Allows(verdict.code)) return {};
    stopped = log.Interrupted();
    if (stopped) return Fail(kStopHere, "interrupted");
    ASSIGN_OR_RETURN(const ActResult result, act(verdict));
    log.Note(verdict.input + '/' + verdict.path, result);
    return {};
  });
  return stopped ? Result<void>() : passed;
}

struct Answer {
  bool yes = false;
  int signal = 0;  // came instead
};

// Asks on the terminal: "y" or "yes" is a yes, anything else is none.
Answer Ask(SignalFd& signals, const std::string& question) {
  tcflush(STDIN_FILENO, TCIFLUSH);  // what was typed before the question is no answer to it
  fmt::print(stderr, "{} [y/N] ", question);
  std::array<pollfd, 2> fds = {{{STDIN_FILENO, POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
  std::array<char, 64> answer{};
  for (;;) {
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) {
      const std::optional<int> signal = signals.Next();
      if (!signal || *signal == SIGCHLD) continue;
      fmt::print(stderr, "\n");
      return {.yes = false, .signal = *signal};
    }
    if (fds[0].revents != 0) break;
  }
  const ssize_t count = read(STDIN_FILENO, answer.data(), answer.size());
  return {.yes = count > 0 && (answer[0] == 'y' || answer[0] == 'Y')};
}

std::string Files(std::int64_t count) {
  return fmt::format("{} {}", Grouped(count), count == 1 ? "file" : "files");
}

Result<int> DeleteBroken(SignalFd& signals, const ActOptions& options, const CheckSummary& summary,
                         const VerdictSource& verdicts, Terminal& terminal) {
  if (!options.yes && !options.dry_run) {
    const Answer answer =
        Ask(signals, fmt::format("delete {} ({})?", Files(summary.actable(options.rule)),
                                 summary.ActableByCode(options.rule)));
    if (!answer.yes) {
      terminal.Print("nothing was deleted");
      return answer.signal == 0 ? kExitDone : ExitStatusOfSignal(answer.signal);
    }
  }
  ActLog log(signals, terminal, options.verbose || options.dry_run);
  RETURN_IF_ERROR(ForEachBroken(
      verdicts, options.rule, log, [&](const FileVerdict& verdict) -> Result<ActResult> {
        if (!options.dry_run) return DeleteFile(verdict, options.rule);
        const auto file = VerifyTarget(verdict, options.rule);
        return file ? ActResult{ActionResult::kDone, "would be deleted"} : file.error();
      }));
  return log.Conclude(options.dry_run ? "would be deleted" : "deleted");
}

Result<int> QuarantineBroken(SignalFd& signals, const ActOptions& options,
                             const std::set<std::string>& inputs, const VerdictSource& verdicts,
                             Terminal& terminal) {
  const auto folders = QuarantineFolders(inputs);
  ActLog log(signals, terminal, options.verbose || options.dry_run);
  if (options.dry_run) {
    RETURN_IF_ERROR(ForEachBroken(
        verdicts, options.rule, log, [&](const FileVerdict& verdict) -> Result<ActResult> {
          const auto file = VerifyTarget(verdict, options.rule);
          const std::string& below = folders.at(verdict.input);
          const std::string folder = options.quarantine + (below.empty() ? "" : "/" + below);
          return file ? ActResult{ActionResult::kDone,
                                  "would be moved to " + folder + '/' + verdict.path}
                      : file.error();
        }));
    return log.Conclude("would be moved");
  }
  ASSIGN_OR_RETURN(Quarantine quarantine, Quarantine::Open(options.quarantine, folders));
  RETURN_IF_ERROR(ForEachBroken(verdicts, options.rule, log, [&](const FileVerdict& verdict) {
    return quarantine.Move(verdict, options.rule);
  }));
  const int status = log.Conclude("moved to " + options.quarantine);
  terminal.Print("to move them back: millrace check --undo " + quarantine.manifest());
  return status;
}

}  // namespace

Result<void> RequireTerminal(const ActOptions& options) {
  if (!options.remove || options.yes || options.dry_run) return {};
  if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) return {};
  return Fail(ErrorCode::kUsage,
              "--delete asks first, and there is no terminal to ask on: --yes deletes without "
              "asking, --dry-run says what would be deleted");
}

Result<int> ActOnBroken(SignalFd& signals, const ActOptions& options, const CheckSummary& summary,
                        const std::set<std::string>& inputs, const VerdictSource& verdicts,
                        Terminal& terminal) {
  if (summary.actable(options.rule) == 0) {
    terminal.Print("nothing to move or delete");
    return kExitDone;
  }
  if (options.remove) return DeleteBroken(signals, options, summary, verdicts, terminal);
  return QuarantineBroken(signals, options, inputs, verdicts, terminal);
}

Result<int> UndoQuarantine(SignalFd& signals, const std::string& manifest_path,
                           const ActOptions& options, Terminal& terminal) {
  const std::string path = AbsolutePath(manifest_path);
  ASSIGN_OR_RETURN(const Manifest manifest, Manifest::OpenToRead(path));
  const std::string folder = std::filesystem::path(path).parent_path();
  ActLog log(signals, terminal, options.verbose || options.dry_run);
  bool stopped = false;
  const Result<void> passed =
      manifest.ForEachBackwards([&](const MoveRecord& record) -> Result<void> {
        stopped = log.Interrupted();
        if (stopped) return Fail(kStopHere, "interrupted");
        const ActResult result =
            options.dry_run ? DryRunRestore(folder, record) : MoveBack(folder, record);
        log.Note(record.input + '/' + record.path, result);
        return {};
      });
  if (!passed && !stopped) return Fail(passed.error());
  const int status =
      log.Conclude(options.dry_run ? "would be moved back" : "moved back", "already back");
  // Deleting leaves alone what has changed, as it should; what --undo leaves alone is not back.
  return status == kExitDone && log.Count(ActionResult::kLeftAlone) > 0 ? kExitUnfinished : status;
}

}  // namespace millrace::cli
