// What was moved into a folder, so that it can be moved back: DIR/manifest.jsonl.
//
// A line is written, and synced, before its file moves. So every file that was moved has a line;
// that a line is there does not mean that its file was moved. Lines are only ever added, by one
// process at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/check/file_verdict.h"
#include "common/base/result.h"
#include "common/os/atomic_file.h"
#include "common/os/unique_fd.h"

namespace millrace::cli {

inline constexpr std::string_view kManifestName = "manifest.jsonl";

// From INPUT/PATH to DIR/TO.
struct MoveRecord {
  std::string input;  // absolute
  std::string path;   // relative to it
  std::string to;     // relative to the manifest's folder, which may itself be moved
  std::string code;   // why
  FileStamp stamp;    // of the file

  friend bool operator==(const MoveRecord&, const MoveRecord&) = default;
};

class Manifest {
 public:
  // That of the folder, made where it is missing, to add to it. kUnavailable where another process
  // does, kWriteFailed where it cannot be written.
  static Result<Manifest> OpenToAdd(const std::string& folder);
  // To read it; adding is an error. kNotFound or kUnreadable where it cannot be read, kUsage for
  // anything that is no file.
  static Result<Manifest> OpenToRead(const std::string& path);

  // The last record that was there when it was opened to be added to: the one whose move a killed
  // process may have left half-done. nullopt where there was none.
  [[nodiscard]] const std::optional<MoveRecord>& last() const { return last_; }

  // Returns once the record would survive a power cut.
  Result<void> Add(const MoveRecord& record);

  // All records, the last one first. A line that a killed process left half-written, whose file
  // was not moved, is left out; kUsage where there are lines and none is a record.
  Result<void> ForEachBackwards(
      const std::function<Result<void>(const MoveRecord& record)>& take) const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Manifest(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<void> Lock() const;
  // Where the lines begin; the last entry is the end of the last.
  [[nodiscard]] Result<std::vector<std::int64_t>> LineOffsets() const;
  [[nodiscard]] Result<std::string> Read(std::int64_t offset, std::int64_t count) const;
  [[nodiscard]] Error Cannot(const char* what, int error_number) const;

  std::string path_;
  UniqueFd file_;
  std::optional<MoveRecord> last_;
};

}  // namespace millrace::cli
