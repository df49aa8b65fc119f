#include "stages/scanner/path_list.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <vector>

#include "common/image/sniff.h"
#include "stages/scanner/examine.h"

namespace millrace {
namespace {

constexpr std::size_t kLongestPath = 4096;  // PATH_MAX of Linux

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
  const auto cannot = [&path](int error) {
    return Fail(ErrorCode::kUnreadable,
                "cannot read the list of files " + path + ": " + ErrnoText(error));
  };
  ASSIGN_OR_RETURN(list->file_, OpenListFile(path, "the list of files"));
  std::from_chars(position.data(), position.data() + position.size(), list->offset_);
  if (fseeko(list->file_.get(), static_cast<off_t>(list->offset_), SEEK_SET) != 0) {
    return cannot(errno);
  }
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
  if (file_ == nullptr) {
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
    const int c = std::getc(file_.get());
    if (c == EOF) {
      if (std::ferror(file_.get()) != 0) {
        return Fail(ErrorCode::kUnreadable,
                    "cannot read the list of files " + name_ + ": " + ErrnoText(errno));
      }
      return !entry.empty();
    }
    ++offset_;
    if (c == separator_) {
      if (!entry.empty()) return true;
      entry_start_ = offset_;
      continue;
    }
    entry += static_cast<char>(c);
    if (entry.size() > kLongestPath || c == '\0') {
      return Fail(ErrorCode::kUsage,
                  "the list of files " + name_ + " holds no path at byte " +
                      std::to_string(entry_start_) +
                      (separator_ == '\n' ? ": if its entries end in NUL, say so (-0)"
                                          : ": it was to be read as entries that end in NUL (-0); "
                                            "do they end in newlines?"));
    }
  }
}

void PathList::VisitEntry(const std::string& entry, Visit& visit) {
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
  const Seen seen = Examine(tree_, visit.key, filters_.look);
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
  const bool named = file_ == nullptr;  // by the option itself
  const bool returns = entry.ends_with('\r');
  if (named || NamedLikeAnImage(entry.substr(0, entry.size() - (returns ? 1 : 0)))) {
    visit.what = Failed{ErrorCode::kUnreadable,
                        std::string("it is in the list of files and does not exist") +
                            (returns ? " (its line ends in a carriage return)" : ""),
                        false};
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
  std::array<char, 64 * 1024> block;
  while (counted_bytes_ < entry_start_) {
    const std::size_t wanted = std::min<std::uint64_t>(block.size(), entry_start_ - counted_bytes_);
    const ssize_t size =
        pread(fileno(file_.get()), block.data(), wanted, static_cast<off_t>(counted_bytes_));
    if (size <= 0) break;  // the list has become shorter
    counted_separators_ +=
        static_cast<std::uint64_t>(std::count(block.begin(), block.begin() + size, separator_));
    counted_bytes_ += static_cast<std::uint64_t>(size);
  }
  return counted_separators_ + 1;
}

InputTree::Place PathList::PlaceOfParent(std::string_view key) {
  const std::string parent = tree_.FullPath(ParentOf(key));
  if (parent != last_parent_) {
    // A parent that does not exist is the file's own failure, told by Examine.
    const auto real = RealPath(parent);
    last_place_ = real ? tree_.PlaceOf(*real) : InputTree::Place::kInside;
    last_parent_ = parent;
  }
  return last_place_;
}

}  // namespace millrace
