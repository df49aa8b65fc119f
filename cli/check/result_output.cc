#include "cli/check/result_output.h"

#include <cerrno>
#include <cstdio>

#include "cli/terminal.h"

namespace millrace::cli {
namespace {

Result<void> PrintLine(std::string line) {
  line += '\n';
  if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size()) return {};
  return Fail(ErrorCode::kWriteFailed, "cannot write to stdout: " + ErrnoText(errno));
}

}  // namespace

Result<ResultOutput> ResultOutput::Open(const ResultOptions& options, bool several) {
  ResultOutput output(options, several);
  if (!options.report.empty()) {
    ASSIGN_OR_RETURN(output.report_, ReportFile::Create(options.report));
  }
  return output;
}

Result<void> ResultOutput::Take(const FileVerdict& verdict) {
  const bool sound = KindOf(verdict.code) == VerdictKind::kOk;
  if (sound && options_.only_bad) return {};
  // The report always says where its files are: it may be acted on from anywhere.
  if (report_) RETURN_IF_ERROR(report_->AddLine(VerdictJson(verdict, true)));
  if (options_.json) return PrintLine(VerdictJson(verdict, several_));
  if (sound) return {};
  const std::string path = several_ ? verdict.input + '/' + verdict.path : verdict.path;
  return PrintLine(Printable(path + ": " + verdict.code + ": " + verdict.detail));
}

Result<void> ResultOutput::Finish() {
  if (std::fflush(stdout) != 0) {
    return Fail(ErrorCode::kWriteFailed, "cannot write to stdout: " + ErrnoText(errno));
  }
  if (report_) RETURN_IF_ERROR(report_->Publish());
  return {};
}

}  // namespace millrace::cli
