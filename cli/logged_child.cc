#include "cli/logged_child.h"

#include <algorithm>

namespace millrace::cli {
namespace {

// A child that writes without newlines must not grow us without bound: its line is cut in pieces.
constexpr std::size_t kMaxLine = 16 * 1024;

}  // namespace

Result<LoggedChild> LoggedChild::Start(std::string name, ChildOptions options) {
  options.capture_stderr = true;
  ASSIGN_OR_RETURN(Child child, Child::Start(options));
  return LoggedChild(std::move(name), std::move(child));
}

void LoggedChild::ReadLines(const std::function<void(std::string_view line)>& take) {
  const bool ended = child_.Reap().has_value();  // asked first: what it wrote before is there now
  partial_ += child_.ReadStderr();
  std::string_view rest = partial_;
  for (;;) {
    const std::size_t end = rest.find('\n');
    if (std::min(end, rest.size()) > kMaxLine) {
      take(rest.substr(0, kMaxLine));
      rest.remove_prefix(kMaxLine);
    } else if (end == std::string_view::npos) {
      break;
    } else {
      take(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }
  if (ended && !rest.empty()) {
    take(rest);
    rest = {};
  }
  partial_.erase(0, partial_.size() - rest.size());
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
