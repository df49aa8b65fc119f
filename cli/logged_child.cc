#include "cli/logged_child.h"

namespace millrace::cli {
namespace {

// A child that writes without newlines must not grow us without bound.
constexpr std::size_t kLongestLine = 16 * 1024;

}  // namespace

Result<LoggedChild> LoggedChild::Start(std::string name, ChildOptions options) {
  options.capture_stderr = true;
  ASSIGN_OR_RETURN(Child child, Child::Start(options));
  return LoggedChild(std::move(name), std::move(child));
}

void LoggedChild::ReadLines(const std::function<void(std::string_view line)>& take) {
  const bool ended = child_.Reap().has_value();  // asked first: what it wrote before is there now
  partial_ += child_.ReadStderr();
  std::size_t start = 0;
  for (std::size_t end = 0; (end = partial_.find('\n', start)) != std::string::npos;
       start = end + 1) {
    take(std::string_view(partial_).substr(start, end - start));
  }
  partial_.erase(0, start);
  if (!partial_.empty() && (ended || partial_.size() > kLongestLine)) {
    take(partial_);
    partial_.clear();
  }
}

std::string LoggedChild::LastLine() const {
  const std::string& tail = child_.stderr_tail();
  const std::size_t end = tail.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t before = tail.find_last_of('\n', end);
  const std::size_t start = before == std::string::npos ? 0 : before + 1;
  return tail.substr(start, end + 1 - start);
}

}  // namespace millrace::cli
