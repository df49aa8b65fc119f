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

std::optional<std::string> ResultLine(const ResultOptions& options, bool several,
                                      const FileVerdict& verdict) {
  const bool sound = KindOf(verdict.code) == VerdictKind::kOk;
  if (sound && (options.only_bad || !options.json)) return std::nullopt;
  if (options.json) return VerdictJson(verdict, several);
  const std::string path = several ? verdict.input + '/' + verdict.path : verdict.path;
  return Printable(path + ": " + verdict.code + ": " + verdict.detail);
}

Result<void> ResultOutput::Take(const FileVerdict& verdict, bool printed) {
  const bool sound = KindOf(verdict.code) == VerdictKind::kOk;
  // The report always says where its files are: it may be acted on from anywhere.
  if (report_ && !(sound && options_.only_bad)) {
    RETURN_IF_ERROR(report_->AddLine(VerdictJson(verdict, true)));
  }
  auto line = printed ? std::nullopt : ResultLine(options_, several_, verdict);
  return line ? PrintLine(std::move(*line)) : Result<void>();
}

Result<void> ResultOutput::Finish(const std::optional<std::string>& incomplete) {
  if (std::fflush(stdout) != 0) {
    return Fail(ErrorCode::kWriteFailed, "cannot write to stdout: " + ErrnoText(errno));
  }
  if (!report_) return {};
  if (incomplete) RETURN_IF_ERROR(report_->AddLine(IncompleteJson(*incomplete)));
  return report_->Publish();
}

}  // namespace millrace::cli
