#include "common/config/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace {

const ConfigNode* ConfigNode::Find(std::string_view key) const {
  for (const ConfigEntry& entry : entries) {
    if (entry.key.text == key) return &entry.value;
  }
  return nullptr;
}

ConfigNode* ConfigNode::Find(std::string_view key) {
  return const_cast<ConfigNode*>(std::as_const(*this).Find(key));
}

std::string_view KindName(ConfigNode::Kind kind) {
  switch (kind) {
    case ConfigNode::Kind::kNull:
      return "nothing";
    case ConfigNode::Kind::kScalar:
      return "a single value";
    case ConfigNode::Kind::kList:
      return "a list";
    case ConfigNode::Kind::kMap:
      return "a map";
  }
  return "";
}

void Problems::Add(const ConfigNode& at, std::string path, std::string what, std::string cure) {
  Add({.source = at.origin ? at.origin->name : "",
       .line = at.line,
       .column = at.column,
       .path = std::move(path),
       .what = std::move(what),
       .cure = std::move(cure)});
}

void Problems::Add(Problem problem) {
  constexpr std::size_t kMaxProblems = 100;
  if (problems_.size() < kMaxProblems) problems_.push_back(std::move(problem));
}

std::vector<Problem> Problems::Take() {
  std::ranges::stable_sort(problems_, {}, [](const Problem& problem) {
    return std::pair(problem.line, problem.column);
  });
  return std::exchange(problems_, {});
}

std::string JoinPath(std::string_view first, std::string_view second) {
  return first.empty() ? std::string(second) : fmt::format("{}.{}", first, second);
}

std::string Problem::Text() const {
  std::string text = source;
  if (line > 0) text += fmt::format(":{}:{}", line, column);
  text += ": ";
  if (!path.empty()) text += path + ": ";
  text += what;
  if (!cure.empty()) text += "; " + cure;
  return text;
}

std::string ProblemsText(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.Text();
  }
  return text;
}

}  // namespace millrace
