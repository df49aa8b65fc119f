#include "cli/check/broken_list.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "cli/check/verdict_list.h"
#include "stages/scanner/known_broken.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

// Turns the paths of one folder into those of another.
class Rebase {
 public:
  Rebase(const std::string& from, const std::string& to) {
    std::error_code error;
    const fs::path real_from = fs::weakly_canonical(from, error);
    const fs::path real_to = fs::weakly_canonical(to, error);
    const std::string down = real_from.lexically_relative(real_to).string();
    const std::string up = real_to.lexically_relative(real_from).string();
    if (IsBelow(down)) {
      related_ = true;
      if (down != ".") add_ = down + '/';
    } else if (IsBelow(up)) {
      related_ = true;
      remove_ = up + '/';
    }
  }

  [[nodiscard]] bool related() const { return related_; }

  [[nodiscard]] std::optional<std::string> operator()(const std::string& path) const {
    if (!related_ || !path.starts_with(remove_)) return std::nullopt;
    return add_ + path.substr(remove_.size());
  }

 private:
  static bool IsBelow(const std::string& relative) {
    return !relative.empty() && relative != ".." && !relative.starts_with("../");
  }

  bool related_ = false;
  std::string add_;
  std::string remove_;
};

}  // namespace

Result<void> WriteBrokenList(const std::string& report, const std::string& input,
                             const std::string& list_file) {
  std::ofstream list(list_file, std::ios::binary);
  std::string last_input;
  std::optional<Rebase> rebase;
  bool any = false;
  bool any_related = false;
  RETURN_IF_ERROR(ForEachVerdictOfReport(report, [&](const FileVerdict& verdict) -> Result<void> {
    if (!rebase || verdict.input != last_input) {
      rebase.emplace(verdict.input, input);
      last_input = verdict.input;
    }
    any = true;
    any_related = any_related || rebase->related();
    const bool is_known = verdict.bytes && (verdict.mtime_ns || verdict.code == "empty");
    // Skipping touches nothing: what is no picture would only fail again.
    const VerdictKind kind = KindOf(verdict.code);
    const bool broken = kind == VerdictKind::kPixelsLost || kind == VerdictKind::kNoPicture;
    if (!broken || !is_known) return {};
    if (const auto key = (*rebase)(verdict.path)) {
      list << KnownBrokenEntry({*key, *verdict.bytes, verdict.mtime_ns});
    }
    return {};
  }));
  if (any && !any_related) {
    return Fail(ErrorCode::kUsage,
                "--skip-broken: " + report + " is a report of other folders than " + input);
  }
  list.close();
  if (!list) return Fail(ErrorCode::kWriteFailed, "cannot write " + list_file);
  return {};
}

}  // namespace millrace::cli
