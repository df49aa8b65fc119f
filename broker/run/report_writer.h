// Writes what a run leaves in OUTPUT/.millrace, and records its end.
//
// The state gives what is recorded, page by page, and the run's folder writes it: neither waits for
// the other's disk, no page is larger than a bound, and other runs are served between two of them.
// report.json is the last: where it is, all is.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/durability.h"
#include "broker/env.h"
#include "broker/records.h"
#include "broker/report.h"
#include "broker/run/folder_requests.h"
#include "broker/state/requests.h"

namespace millrace {

class ReportWriter : public std::enable_shared_from_this<ReportWriter> {
 public:
  struct Parts {
    Durability& durability;
    FolderRequests& folders;
    const WallClock& clock;
    std::vector<std::string> stages;  // their names
  };
  struct Work {
    RunReport report;  // its counts: as the queue counted
    bool prune = false;
    std::optional<Error> no_folder;  // why nothing is to be written there
  };
  // `done` is called with the run's last status once that is on disk. Where the files cannot be
  // written, that is the run's end; where the state cannot, nothing is called.
  static void Write(Parts parts, Work work, std::function<void(wire::RunStatus)> done);

 private:
  ReportWriter(Parts parts, Work work, std::function<void(wire::RunStatus)> done)
      : p_(std::move(parts)), work_(std::move(work)), done_(std::move(done)) {}

  // A list, in the order of keys.
  struct List {
    ReadReport::List what;
    std::string name;  // of records
  };

  void Summarize();
  void OnSummary(RunListing listing);
  void NextList();
  void NextPage(std::string after);
  void OnPage(ReportPage page);
  void Finish();
  void RecordEnd();
  // Asks the folder; an error is the run's end.
  void AskFolder(FolderRequest request, std::function<void(FolderAnswer)> then);
  RunReport& report() { return work_.report; }

  Parts p_;
  Work work_;
  std::function<void(wire::RunStatus)> done_;
  std::deque<List> lists_;           // still to be written; the first is under way
  std::vector<std::string> names_;   // of all lists
  std::vector<std::string> forget_;  // items of which nothing is left
};

}  // namespace millrace
