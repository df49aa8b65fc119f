#include "common/config/tree_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

// Of a whole document, aliases written out: a topology of 64 stages has some thousands of values.
constexpr std::size_t kMaxNodes = 100'000;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMaxKey = 256;

// What a copy of the node costs, in values: a long text, too, is written out by each alias of it.
std::size_t CountNodes(const ConfigNode& node) {
  constexpr std::size_t kBytesOfOneValue = 64;
  std::size_t count = 1 + node.text.size() / kBytesOfOneValue;
  for (const ConfigNode& item : node.items) count += CountNodes(item);
  for (const ConfigEntry& entry : node.entries) {
    count += CountNodes(entry.key) + CountNodes(entry.value);
  }
  return count;
}

std::size_t Depth(const ConfigNode& node) {
  std::size_t depth = 0;
  for (const ConfigNode& item : node.items) depth = std::max(depth, Depth(item));
  for (const ConfigEntry& entry : node.entries) depth = std::max(depth, Depth(entry.value));
  return depth + 1;
}

}  // namespace

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  Place(Make(ConfigNode::Kind::kNull, mark), anchor);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  ConfigNode node = Make(ConfigNode::Kind::kScalar, mark);
  CheckTag(node, tag);
  node.text = value;
  node.quoted = tag == "!";
  if (value.find('\0') != std::string::npos) {
    problems_.Add(node, "", "a NUL character in a value", "remove it");
    node.text.clear();
  }
  Place(std::move(node), anchor);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const ConfigNode at = Make(ConfigNode::Kind::kNull, mark);
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    problems_.Add(at, "", "an alias inside of what it stands for", "write the value out");
    throw StopParsing();
  }
  if (open_.size() + Depth(found->second) > kDeepest) TooDeep(at);
  Count(CountNodes(found->second), at);
  Place(ConfigNode(found->second), 0);
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  Open(Make(ConfigNode::Kind::kList, mark), tag, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
  Open(Make(ConfigNode::Kind::kMap, mark), tag, anchor);
}

ConfigNode TreeBuilder::Make(ConfigNode::Kind kind, const YAML::Mark& mark) {
  ConfigNode node;
  node.kind = kind;
  node.line = mark.line + 1;
  node.column = mark.column + 1;
  node.origin = origin_;
  Count(1, node);
  return node;
}

void TreeBuilder::Count(std::size_t nodes, const ConfigNode& at) {
  count_ += nodes;
  if (count_ <= kMaxNodes) return;
  problems_.Add(at, "", fmt::format("more than {} values, aliases written out", kMaxNodes),
                "a topology needs a few hundred; is this the right file?");
  throw StopParsing();
}

void TreeBuilder::TooDeep(const ConfigNode& at) {
  problems_.Add(at, "", fmt::format("more than {} levels deep", kDeepest),
                "a topology needs five; is this the right file?");
  throw StopParsing();
}

void TreeBuilder::CheckTag(const ConfigNode& node, const std::string& tag) {
  if (tag.empty() || tag == "?" || tag == "!") return;
  problems_.Add(node, "", fmt::format("the tag {} has no meaning here", tag.substr(0, 80)),
                "remove it; put quotes around a text that looks like a number");
}

void TreeBuilder::Open(ConfigNode node, const std::string& tag, YAML::anchor_t anchor) {
  CheckTag(node, tag);
  if (open_.size() >= kDeepest) TooDeep(node);
  open_.push_back(Level{.node = std::move(node), .anchor = anchor, .key = {}, .lines = {}});
}

void TreeBuilder::Close() {
  Level level = std::move(open_.back());
  open_.pop_back();
  Place(std::move(level.node), level.anchor);
}

void TreeBuilder::Place(ConfigNode node, YAML::anchor_t anchor) {
  if (anchor != 0) {
    Count(CountNodes(node), node);  // for the copy
    anchors_[anchor] = node;
  }
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Level& level = open_.back();
  if (level.node.kind == ConfigNode::Kind::kList) {
    level.node.items.push_back(std::move(node));
  } else if (!level.has_key) {
    TakeKey(level, std::move(node));
  } else {
    level.has_key = false;
    if (node.kind == ConfigNode::Kind::kNull && node.line != level.key.line) {
      // yaml-cpp gives the place of what comes next.
      node.line = level.key.line;
      node.column = level.key.column;
    }
    if (!level.drop_value) level.node.entries.push_back({level.key, std::move(node)});
  }
}

void TreeBuilder::TakeKey(Level& level, ConfigNode key) {
  level.has_key = true;
  level.drop_value = true;
  if (key.kind != ConfigNode::Kind::kScalar) {
    problems_.Add(key, "", fmt::format("a key that is {}", KindName(key.kind)),
                  "write `name: value`, and quotes around a name such as null or [x]");
  } else if (key.text.size() > kMaxKey) {
    problems_.Add(key, "", fmt::format("a key of {} bytes", key.text.size()), "shorten it");
  } else if (key.text == "<<" && !key.quoted) {
    problems_.Add(key, "<<", "merge keys are not part of YAML 1.2", "write the keys out");
  } else if (const auto [first, is_new] = level.lines.emplace(key.text, key.line); !is_new) {
    problems_.Add(
        key, key.text,
        fmt::format("the key \"{}\" is there already, on line {}", key.text, first->second),
        "keep one of the two");
  } else {
    level.drop_value = false;
  }
  level.key = std::move(key);
}

}  // namespace millrace
