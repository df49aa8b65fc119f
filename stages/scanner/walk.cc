#include "stages/scanner/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/os/unique_fd.h"
#include "stages/scanner/default_excludes.h"

namespace millrace {
namespace {

std::string Below(std::string_view directory, std::string_view name) {
  std::string key(directory);
  if (!key.empty()) key += '/';
  key += name;
  return key;
}

UniqueFd OpenDirectory(const std::string& path, bool through_link) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC |
                                         (through_link ? 0 : O_NOFOLLOW)));
}

}  // namespace

Walk::Walk(const InputTree& tree, const Filters& filters, std::string position,
           std::size_t held_names_bytes)
    : tree_(tree), filters_(filters), held_names_bytes_(held_names_bytes) {
  position_ = position;
  if (!position.empty()) resume_ = std::move(position);
}

Result<bool> Walk::Next(Visit& visit) {
  if (!started_) {
    started_ = true;
    int error = 0;
    const Opened opened = Enter("", true, error);
    if (opened == Opened::kOutput) {
      return Fail(ErrorCode::kUsage,
                  "the input folder and the output folder are the same: " + tree_.input());
    }
    if (opened != Opened::kEntered) {
      return Fail(ErrorCode::kUnreadable,
                  "cannot read the input folder " + tree_.input() + ": " + ErrnoText(error));
    }
    if (error != 0 && position_.empty()) {
      // INPUT has no path relative to itself; a position that is not empty keeps this from being
      // reported by every chunk.
      position_ = "/";
      visit = {".", Unreadable("all of the input folder", error), true};
      return true;
    }
  }
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.dropped && !Reload(frame, visit)) {
      frames_.pop_back();
      return true;
    }
    if (frame.next == frame.names.size()) {
      frames_.pop_back();
      continue;
    }
    const DirectoryNames::Name name = frame.names[frame.next++];
    if (VisitName(name, visit)) return true;
  }
  return false;
}

std::size_t Walk::HeldBytes() const {
  std::size_t bytes = 0;
  for (const Frame& frame : frames_) bytes += frame.names.bytes();
  return bytes;
}

Walk::Opened Walk::Enter(std::string key, bool through_link, int& error) {
  Frame frame;
  frame.links = (frames_.empty() ? -1 : frames_.back().links) + (through_link ? 1 : 0);
  if (frame.links > kMaxLinks) return Opened::kLoop;
  const UniqueFd directory = OpenDirectory(tree_.FullPath(key), through_link);
  struct stat status {};
  if (!directory.valid() || fstat(directory.get(), &status) != 0) {
    error = errno;
    return error == ENOENT ? Opened::kGone : Opened::kFailed;
  }
  frame.id = DirectoryId::Of(status);
  if (tree_.IsOutput(frame.id)) return Opened::kOutput;
  // One that has become an output since an earlier chunk ended in it is walked to its end.
  const bool is_input = frames_.empty();
  if (filters_.default_excludes && !is_input && !resume_ && IsOutputOfSomeRun(directory.get())) {
    return Opened::kOtherOutput;
  }
  if (std::ranges::any_of(frames_, [&](const Frame& above) { return above.id == frame.id; })) {
    return Opened::kLoop;
  }
  // Of the path to go on behind, the first component: behind it, or in it where more follows.
  std::string after;
  bool with_after = false;
  if (resume_) {
    const std::size_t slash = resume_->find('/');
    after = resume_->substr(0, slash);
    with_after = slash != std::string::npos;
    if (after.empty()) with_after = false;  // "folder/": entered, nothing in it visited
  }
  frame.key = std::move(key);
  error = frame.names.Load(directory.get(), after, with_after);
  if (resume_ && !(with_after && frame.names.size() > 0 && frame.names[0].text == after)) {
    resume_.reset();  // reached, or deleted meanwhile
  }
  frames_.push_back(std::move(frame));
  DropNamesOverBudget();
  return Opened::kEntered;
}

bool Walk::VisitName(const DirectoryNames::Name& name, Visit& visit) {
  std::string key = Below(frames_.back().key, name.text);
  if (name.type == DT_REG && filters_.LeavesOutFile(key)) {
    resume_.reset();
    position_ = key;
    visit = {std::move(key), Skipped{"excluded"}};
    return true;
  }
  const Seen seen =
      name.type == DT_DIR ? Seen(SeenDirectory()) : Classify(tree_, key, filters_.look);
  if (const auto* directory = std::get_if<SeenDirectory>(&seen)) {
    return VisitDirectory(std::move(key), directory->through_link, visit);
  }
  resume_.reset();  // where a directory was to be entered, there is a file now
  position_ = key;
  visit.key = std::move(key);
  visit.is_directory = false;
  if (std::holds_alternative<SeenNothing>(seen)) return false;
  if (filters_.LeavesOutFile(visit.key)) {
    visit.what = Skipped{"excluded"};
  } else if (const auto* meta = std::get_if<Meta>(&seen)) {
    visit.what = *meta;
  } else if (const auto* failed = std::get_if<Failed>(&seen)) {
    visit.what = *failed;
  } else {
    visit.what = std::get<Skipped>(seen);
  }
  return true;
}

bool Walk::VisitDirectory(std::string key, bool through_link, Visit& visit) {
  // On the way back to where an earlier chunk ended, nothing is reported a second time.
  bool resuming = false;
  if (resume_) {
    resume_->erase(0, resume_->find('/') + 1);
    resuming = true;
  } else {
    position_ = key;
  }
  visit = {key, std::monostate(), true};
  if (IsStateDirectory(key)) {
    resume_.reset();
    return false;
  }
  if (filters_.LeavesOutDirectory(key)) {
    resume_.reset();
    visit.what = Skipped{"excluded"};
    return true;
  }
  if (filters_.default_excludes && !resuming && IsFolderLeftOutByDefault(key)) {
    visit.what = Skipped{"default-exclude"};
    return true;
  }
  int error = 0;
  const Opened opened = Enter(key, through_link, error);
  if (opened != Opened::kEntered) resume_.reset();
  switch (opened) {
    case Opened::kEntered:
      if (!resuming) position_ = key + "/";
      if (error != 0 && !resuming) visit.what = Unreadable("all of " + key, error);
      return !resuming;
    case Opened::kGone:
    case Opened::kOutput:
      return false;
    case Opened::kOtherOutput:
      visit.what = Skipped{"run-output"};
      return true;
    case Opened::kLoop:
      visit.what = Skipped{"symlink-loop"};
      return true;
    case Opened::kFailed:
      position_ = key;
      visit.what = Unreadable(key, error);
      return true;
  }
  return false;
}

void Walk::DropNamesOverBudget() {
  // The largest first, the one being read never: reading a dropped one again costs less than the
  // names below it that pushed it out.
  while (HeldBytes() > held_names_bytes_) {
    const auto largest = std::max_element(
        frames_.begin(), frames_.end() - 1,
        [](const Frame& a, const Frame& b) { return a.names.bytes() < b.names.bytes(); });
    if (largest == frames_.end() - 1 || largest->names.bytes() == 0) return;
    // The frame on top was entered by the name before `next`.
    largest->last = std::string(largest->names[largest->next - 1].text);
    largest->dropped = true;
    largest->names.Clear();
    largest->next = 0;
  }
}

bool Walk::Reload(Frame& frame, Visit& visit) {
  const UniqueFd directory = OpenDirectory(tree_.FullPath(frame.key), true);
  struct stat status {};
  int error = 0;
  if (!directory.valid() || fstat(directory.get(), &status) != 0) {
    error = errno;
  } else if (DirectoryId::Of(status) == frame.id) {
    error = frame.names.Load(directory.get(), frame.last, false);
  }
  frame.dropped = false;
  if (error == 0 || error == ENOENT) return true;
  position_ = frame.key;
  visit = {frame.key.empty() ? "." : frame.key, Unreadable("the rest of " + frame.key, error),
           true};
  return false;
}

}  // namespace millrace
