// ParseYaml: yaml-cpp's events into a ConfigNode.

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "common/config/node.h"

namespace millrace {
namespace {

// Of a whole document, aliases written out: a topology of 64 stages has some thousands of values.
constexpr std::size_t kMostNodes = 100'000;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kLongestKey = 256;

// Ends the parse from inside an event; the problem is recorded already.
struct Stop : std::exception {};

std::size_t CountNodes(const ConfigNode& node) {
  std::size_t count = 1;
  for (const ConfigNode& item : node.items) count += CountNodes(item);
  for (const ConfigEntry& entry : node.entries) count += 1 + CountNodes(entry.value);
  return count;
}

std::size_t Depth(const ConfigNode& node) {
  std::size_t depth = 0;
  for (const ConfigNode& item : node.items) depth = std::max(depth, Depth(item));
  for (const ConfigEntry& entry : node.entries) depth = std::max(depth, Depth(entry.value));
  return depth + 1;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::shared_ptr<const Origin>& origin, Problems& problems)
      : origin_(origin), problems_(problems) {}

  [[nodiscard]] ConfigNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Place(Make(ConfigNode::Kind::kNull, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
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

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const ConfigNode at = Make(ConfigNode::Kind::kNull, mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      problems_.Add(at, "", "an alias inside of what it stands for", "write the value out");
      throw Stop();
    }
    if (open_.size() + Depth(found->second) > kDeepest) TooDeep(at);
    count_ += CountNodes(found->second);
    if (count_ > kMostNodes) TooMany(at);
    Place(ConfigNode(found->second), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(Make(ConfigNode::Kind::kList, mark), tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(Make(ConfigNode::Kind::kMap, mark), tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // of a map: `key` waits for its value
    bool drop_value = false;
    ConfigNode key;
    std::map<std::string, int, std::less<>> lines;  // of a map: where each key was
  };

  ConfigNode Make(ConfigNode::Kind kind, const YAML::Mark& mark) {
    if (++count_ > kMostNodes) {
      ConfigNode at;
      at.origin = origin_;
      at.line = mark.line + 1;
      at.column = mark.column + 1;
      TooMany(at);
    }
    ConfigNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    node.origin = origin_;
    return node;
  }

  [[noreturn]] void TooMany(const ConfigNode& at) {
    problems_.Add(at, "", fmt::format("more than {} values, aliases written out", kMostNodes),
                  "a topology needs a few hundred; is this the right file?");
    throw Stop();
  }

  [[noreturn]] void TooDeep(const ConfigNode& at) {
    problems_.Add(at, "", fmt::format("more than {} levels deep", kDeepest),
                  "a topology needs five; is this the right file?");
    throw Stop();
  }

  void CheckTag(const ConfigNode& node, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_.Add(node, "", fmt::format("the tag {} has no meaning here", tag.substr(0, 80)),
                    "remove it; put quotes around a text that looks like a number");
    }
  }

  void Open(ConfigNode node, const std::string& tag, YAML::anchor_t anchor) {
    CheckTag(node, tag);
    if (open_.size() >= kDeepest) TooDeep(node);
    open_.push_back(Level{.node = std::move(node), .anchor = anchor, .key = {}, .lines = {}});
  }

  void Close() {
    Level level = std::move(open_.back());
    open_.pop_back();
    Place(std::move(level.node), level.anchor);
  }

  void Place(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      count_ += CountNodes(node);  // the copy below
      if (count_ > kMostNodes) TooMany(node);
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

  void TakeKey(Level& level, ConfigNode key) {
    level.has_key = true;
    level.drop_value = true;
    if (key.kind != ConfigNode::Kind::kScalar) {
      problems_.Add(key, "", fmt::format("a key that is {}", KindName(key.kind)),
                    "write `name: value`, and quotes around a name such as null or [x]");
    } else if (key.text.size() > kLongestKey) {
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

  const std::shared_ptr<const Origin>& origin_;
  Problems& problems_;
  ConfigNode root_;
  std::vector<Level> open_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::size_t count_ = 0;
};

std::string SyntaxCure(const std::string& message, std::string_view line) {
  const auto says = [&](std::string_view part) { return message.find(part) != std::string::npos; };
  if (says("alias") || says("anchor")) return "put quotes around a value that begins with * or &";
  const std::size_t text = std::min(line.find_first_not_of(" \t"), line.size());
  if (line.substr(0, text).find('\t') != std::string_view::npos) return "indent with spaces";
  if (line.find("${") != std::string_view::npos) {
    return "put quotes around a value with ${...} in it: inside of { } the first } would end the "
           "map";
  }
  if (says("end of map flow") || says("end of sequence flow")) {
    return "close the { or [ that was opened before this place";
  }
  if (says("illegal map value")) return "put quotes around a value that holds \": \"";
  return "look at the indentation, quotes and brackets at this place and just before it";
}

// The line-th line, from 0, or "".
std::string_view LineOf(std::string_view bytes, int line) {
  for (; line > 0; --line) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return "";
    bytes.remove_prefix(end + 1);
  }
  return line < 0 ? "" : bytes.substr(0, bytes.find('\n'));
}

// Of a second document, that there is one is all that is asked.
class SecondDocument final : public YAML::EventHandler {
 public:
  YAML::Mark mark = YAML::Mark::null_mark();

  void OnDocumentStart(const YAML::Mark& start) override {
    mark = start;
    throw Stop();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

ConfigNode ParseYaml(std::string_view bytes, const std::shared_ptr<const Origin>& origin,
                     Problems& problems) {
  ConfigNode place;
  place.origin = origin;
  const auto refuse = [&](const YAML::Mark& mark, std::string what, std::string cure) {
    place.line = mark.is_null() ? 0 : mark.line + 1;
    place.column = mark.is_null() ? 0 : mark.column + 1;
    problems.Add(place, "", std::move(what), std::move(cure));
    return place;
  };
  SecondDocument second;
  try {
    std::istringstream stream{std::string(bytes)};
    YAML::Parser parser(stream);
    TreeBuilder builder(origin, problems);
    if (!parser.HandleNextDocument(builder)) {
      return refuse(YAML::Mark::null_mark(), "the file is empty",
                    "write a topology; config/README.md describes one");
    }
    (void)parser.HandleNextDocument(second);
    return builder.TakeRoot();
  } catch (const Stop&) {
    if (!second.mark.is_null()) {
      refuse(second.mark, "a second document, or something after the end of the first",
             "keep one document, without `---`, and look at the brackets and quotes before this "
             "place");
    }
  } catch (const YAML::Exception& error) {
    refuse(error.mark, "not YAML: " + error.msg,
           SyntaxCure(error.msg, LineOf(bytes, error.mark.line)));
  } catch (const std::exception& error) {
    refuse(YAML::Mark::null_mark(), std::string("not YAML: ") + error.what(), SyntaxCure("", ""));
  }
  return place;
}

}  // namespace millrace
