// Where a scan's entries come from: a walk (walk.h) or a list (path_list.h). A source can be made
// anew from its position, so that any scanner can go on with any run.
#pragma once

#include <string>
#include <variant>

#include "common/base/result.h"
#include "common/stage/stage.h"

namespace millrace {

struct Visit {
  std::string key;
  // monostate: nothing to report (a directory that was entered).
  std::variant<std::monostate, Meta, Failed, Skipped> what;
  // A directory's failure is not an image's: it stands outside `limit` and `sample`.
  bool is_directory = false;
};

class Source {
 public:
  virtual ~Source() = default;
  // The next entry into `visit`; false at the end. An error ends the scan.
  virtual Result<bool> Next(Visit& visit) = 0;
  // Bytes from which a new source of the same kind goes on behind the last visit.
  [[nodiscard]] virtual std::string Position() const = 0;
  // About the memory held between two chunks.
  [[nodiscard]] virtual std::size_t HeldBytes() const = 0;
};

}  // namespace millrace
