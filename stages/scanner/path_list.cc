#include "stages/scanner/path_list.h"

#include <sys/stat.h>

#include <charconv>
#include <vector>

#include "common/image/sniff.h"
#include "stages/scanner/classify.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxPath = 4096;  // PATH_MAX of Linux
constexpr const char* kWhat = "the list of files";

// "." and ".." and double slashes resolved in the text; keeps a leading slash, and leading ".." of
// a relative path. "" for the folder itself.
std::string Normalise(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      kept.push_back(component);
    } else if (!kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!absolute) {
      kept.push_back(component);
    }
  }
  std::string out;
  for (const std::string_view component : kept) {
    if (absolute || !out.empty()) out += '/';
    out += component;
  }
  return absolute && out.empty() ? "/" : out;
}

std::string_view ParentOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool InStateDirectory(std::string_view key) {
  for (; !key.empty(); key = ParentOf(key)) {
    if (IsStateDirectory(key)) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<PathList>> PathList::Open(const InputTree& tree, const Filters& filters,
                                                 const std::string& path, bool nul_separated,
                                                 std::string_view position) {
  std::unique_ptr<PathList> list(new PathList(tree, filters));
  list->name_ = path;
  list->separator_ = nul_separated ? '\0' : '\n';
  ASSIGN_OR_RETURN(ListFile file, OpenListFile(path, kWhat));
  std::from_chars(position.data(), position.data() + position.size(), list->offset_);
  ASSIGN_OR_RETURN(list->file_,
                   TextReader::Of(std::move(file), std::string(kWhat) + " " + path, list->offset_));
  return list;
}

std::unique_ptr<PathList> PathList::Only(const InputTree& tree, const Filters& filters,
                                         std::string key, std::string_view position) {
  std::unique_ptr<PathList> list(new PathList(tree, filters));
  std::from_chars(position.data(), position.data() + position.size(), list->offset_);
  if (list->offset_ == 0) list->only_ = std::move(key);
  return list;
}

Result<bool> PathList::Next(Visit& visit) {
  if (!file_) {
    if (only_.empty()) return false;
    VisitEntry(only_, visit);
    offset_ = 1;
    only_.clear();
    return true;
  }
  std::string entry;
  ASSIGN_OR_RETURN(const bool more, ReadEntry(entry));
  if (more) VisitEntry(entry, visit);
  return more;
}

Result<bool> PathList::ReadEntry(std::string& entry) {
  entry_start_ = offset_;
  for (;;) {
    ASSIGN_OR_RETURN(const int c, file_->Get());
    offset_ = file_->offset();
    if (c == TextReader::kEnd) return !entry.empty();
    if (c == separator_) {
      if (!entry.empty() && (entry != "\r" || separator_ != '\n')) return true;
      entry.clear();
      entry_start_ = offset_;
      continue;
    }
    entry += static_cast<char>(c);
    if (entry.size() > kMaxPath || c == '\0') {
      return Fail(ErrorCode::kUsage,
                  "the list of files " + name_ + " holds no path at byte " +
                      std::to_string(entry_start_) +
                      (separator_ == '\n' ? ": if its entries end in NUL, say so (-0); if it is "
                                            "UTF-16 without a byte order mark, write it as UTF-8"
                                          : ": it was to be read as entries that end in NUL (-0); "
                                            "do they end in newlines?"));
    }
  }
}

bool PathList::IsThere(const std::string& entry) const {
  struct stat status {};
  return lstat((entry.starts_with('/') ? entry : tree_.FullPath(entry)).c_str(), &status) == 0;
}

void PathList::VisitEntry(std::string entry, Visit& visit) {
  if (file_ && separator_ == '\n' && entry.ends_with('\r') && !IsThere(entry)) entry.pop_back();
  visit.is_directory = false;
  visit.key = Normalise(entry);
  if (entry.starts_with('/')) {
    // Under INPUT as it was given, or as it really is.
    for (const std::string& root : {Normalise(tree_.input()), tree_.real_input()}) {
      const std::string prefix = root.ends_with('/') ? root : root + "/";
      if (!(visit.key + "/").starts_with(prefix)) continue;
      visit.key.erase(0, prefix.size());
      return VisitKey(entry, visit);
    }
    const auto parent = RealPath(std::string(ParentOf(visit.key)) + "/");
    const auto key = parent ? tree_.KeyOf(*parent) : std::nullopt;
    if (!key) {
      visit.what = Skipped{"outside-input"};
      return;
    }
    const std::string name = visit.key.substr(visit.key.rfind('/') + 1);
    visit.key = key->empty() ? name : *key + "/" + name;
  } else if (visit.key == ".." || visit.key.starts_with("../")) {
    visit.what = Skipped{"outside-input"};
    return;
  }
  VisitKey(entry, visit);
}

void PathList::VisitKey(const std::string& entry, Visit& visit) {
  if (visit.key.empty()) {
    visit = {".", Skipped{"directory"}};
    return;
  }
  const InputTree::Place parent = PlaceOfParent(visit.key);
  if (parent == InputTree::Place::kOutput || InStateDirectory(visit.key)) {
    visit.what = Skipped{"inside-output"};
    return;
  }
  if (parent == InputTree::Place::kOutside && !filters_.look.follow_symlinks) {
    visit.what = Skipped{"outside-input"};
    return;
  }
  // What is named one by one is wanted, whatever it is.
  Look look = filters_.look;
  look.apple_double = false;
  const Seen seen = Classify(tree_, visit.key, look);
  if (std::holds_alternative<SeenDirectory>(seen)) {
    visit.what = Skipped{"directory"};
  } else if (only_.empty() && filters_.LeavesOutFile(visit.key)) {
    visit.what = Skipped{"excluded"};
  } else if (std::holds_alternative<SeenNothing>(seen)) {
    VisitMissing(entry, visit);
  } else if (const auto* meta = std::get_if<Meta>(&seen)) {
    visit.what = *meta;
  } else if (const auto* failed = std::get_if<Failed>(&seen)) {
    visit.what = *failed;
  } else {
    visit.what = std::get<Skipped>(seen);
  }
}

// Whoever may submit a run may name any file as its list, and read its failures: of a text that is
// no list of images nothing is quoted.
void PathList::VisitMissing(std::string_view entry, Visit& visit) {
  const bool named = !file_;  // by the option itself
  if (named || NamedLikeAnImage(entry)) {
    visit.what =
        Failed{ErrorCode::kUnreadable, "it is in the list of files and does not exist", false};
    return;
  }
  visit.key = (separator_ == '\n' ? "line " : "entry ") + std::to_string(EntryNumber()) +
              " of the list of files";
  visit.what = Failed{ErrorCode::kUnreadable,
                      "the file that it names does not exist; it is not quoted, since it has no "
                      "image's name",
                      false};
}

std::uint64_t PathList::EntryNumber() {
  if (!counter_) {
    auto file = OpenListFile(name_, kWhat);
    if (!file) return 1;
    if (auto reader = TextReader::Of(*std::move(file), kWhat)) counter_ = *std::move(reader);
  }
  while (counter_ && counter_->offset() < entry_start_) {
    const Result<int> c = counter_->Get();
    if (!c || *c == TextReader::kEnd) break;  // the list has become shorter
    if (*c == separator_) ++counted_separators_;
  }
  return counted_separators_ + 1;
}

InputTree::Place PathList::PlaceOfParent(std::string_view key) {
  const std::string parent = tree_.FullPath(ParentOf(key));
  if (parent != last_parent_) {
    // A parent that does not exist is the file's own failure, told by Classify.
    const auto real = RealPath(parent);
    last_place_ = real ? tree_.PlaceOf(*real) : InputTree::Place::kInside;
    last_parent_ = parent;
  }
  return last_place_;
}

}  // namespace millrace
