#include "stages/scanner/glob.h"

#include <algorithm>
#include <cstddef>

namespace millrace {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// The position behind the class that begins at pattern[at] == '['; kNone where it is not closed.
// A ] directly behind the [ or [! is a member.
std::size_t EndOfClass(std::string_view pattern, std::size_t at) {
  ++at;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;
  while (at < pattern.size() && pattern[at] != ']') at += pattern[at] == '\\' ? 2 : 1;
  return at < pattern.size() ? at + 1 : kNone;
}

// `members` is what stands between [ and ], the ! too.
bool ClassHolds(std::string_view members, char c) {
  const bool negated = members[0] == '!' || members[0] == '^';
  if (negated) members.remove_prefix(1);
  const auto byte = static_cast<unsigned char>(c);
  bool holds = false;
  const auto take = [&members] {
    if (members[0] == '\\' && members.size() > 1) members.remove_prefix(1);
    const auto taken = static_cast<unsigned char>(members[0]);
    members.remove_prefix(1);
    return taken;
  };
  while (!members.empty()) {
    const unsigned char low = take();
    unsigned char high = low;
    if (members.size() > 1 && members[0] == '-') {
      members.remove_prefix(1);
      high = take();
    }
    holds = holds || (low <= byte && byte <= high);
  }
  return holds != negated;
}

// How much of `pattern` at `at` matches the one byte `c`; 0 where it does not.
std::size_t MatchOne(std::string_view pattern, std::size_t at, char c) {
  switch (pattern[at]) {
    case '?':
      return c == '/' ? 0 : 1;
    case '[': {
      const std::size_t end = EndOfClass(pattern, at);
      const std::string_view members = pattern.substr(at + 1, end - at - 2);
      return c != '/' && ClassHolds(members, c) ? end - at : 0;
    }
    case '\\':
      return pattern[at + 1] == c ? 2 : 0;
    default:
      return pattern[at] == c ? 1 : 0;
  }
}

// Two places to come back to are enough: a later * makes an earlier one's choices irrelevant, and a
// later ** those of everything before it. So no recursion, and no exponential time.
bool Matches(std::string_view pattern, std::string_view path) {
  std::size_t p = 0, t = 0;
  std::size_t star_p = kNone, star_t = 0;    // behind the last *, and what it has swallowed up to
  std::size_t globs_p = kNone, globs_t = 0;  // likewise for the last **/
  while (t < path.size()) {
    if (pattern.substr(p) == "**") return true;
    if (pattern.substr(p, 3) == "**/") {
      p += 3;
      globs_p = p;
      globs_t = t;
      star_p = kNone;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '*') {
      star_p = ++p;
      star_t = t;
      continue;
    }
    const std::size_t used = p < pattern.size() ? MatchOne(pattern, p, path[t]) : 0;
    if (used != 0) {
      p += used;
      ++t;
    } else if (star_p != kNone && path[star_t] != '/') {
      p = star_p;
      t = ++star_t;
    } else if (globs_p != kNone && path.find('/', globs_t) != kNone) {
      p = globs_p;
      t = globs_t = path.find('/', globs_t) + 1;
      star_p = kNone;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*' && pattern.substr(p, 2) != "**") ++p;
  return p == pattern.size();
}

// Runs of stars that do not stand alone between slashes mean one star, as in .gitignore.
std::string Simplify(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      out += pattern.substr(i++, 2);
    } else if (pattern[i] == '[') {
      const std::size_t end = EndOfClass(pattern, i);
      out += pattern.substr(i, end - i);
      i = end - 1;
    } else if (pattern[i] == '*') {
      const std::size_t end = std::min(pattern.find_first_not_of('*', i), pattern.size());
      const bool alone = end - i == 2 && (i == 0 || pattern[i - 1] == '/') &&
                         (end == pattern.size() || pattern[end] == '/');
      out += alone ? "**" : "*";
      i = end - 1;
    } else {
      out += pattern[i];
    }
  }
  return out;
}

}  // namespace

Result<Glob> Glob::Parse(std::string_view pattern) {
  const std::string whole(pattern);
  const auto wrong = [&whole](std::string_view what) {
    return Fail(ErrorCode::kUsage, "the pattern '" + whole + "' " + std::string(what));
  };
  const bool directories_only = pattern.ends_with('/');
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (++i == pattern.size()) {
        return wrong("ends in a backslash: write \\\\ for a backslash");
      }
    } else if (pattern[i] == '[') {
      i = EndOfClass(pattern, i);
      if (i == kNone) return wrong("has a [ without its ]: write \\[ for a bracket");
      --i;
    }
  }
  const bool anchored = pattern.find('/') != kNone;
  while (pattern.starts_with('/')) pattern.remove_prefix(1);
  if (pattern.empty()) return wrong("is empty");
  return Glob((anchored ? "" : "**/") + Simplify(pattern), directories_only);
}

bool Glob::Covers(std::string_view path, bool is_directory) const {
  for (std::size_t end = path.find('/'); end != kNone; end = path.find('/', end + 1)) {
    if (Matches(pattern_, path.substr(0, end))) return true;
  }
  return (is_directory || !directories_only_) && Matches(pattern_, path);
}

bool AnyCovers(const std::vector<Glob>& globs, std::string_view path, bool is_directory) {
  return std::ranges::any_of(globs,
                             [&](const Glob& glob) { return glob.Covers(path, is_directory); });
}

}  // namespace millrace
