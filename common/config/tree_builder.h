// yaml-cpp's events into a ConfigNode. Used by ParseYaml alone; the one header that shows yaml-cpp.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/config/node.h"

namespace millrace {

// Thrown out of an event to end the parse: the problem is recorded already.
struct StopParsing : std::exception {};

// Repeated and complex keys, tags and merge keys are recorded and left out; what would make the
// tree too large or too deep is recorded and ends the parse.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::shared_ptr<const Origin>& origin, Problems& problems)
      : origin_(origin), problems_(problems) {}

  [[nodiscard]] ConfigNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { Close(); }

 private:
  // A list or a map that has begun and not ended.
  struct Level {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;     // of a map: `key` waits for its value
    bool drop_value = false;  // which is then left out: the key is wrong
    ConfigNode key;
    std::map<std::string, int, std::less<>> lines;  // of a map: where each key was
  };

  ConfigNode Make(ConfigNode::Kind kind, const YAML::Mark& mark);
  void CheckTag(const ConfigNode& node, const std::string& tag);
  void Open(ConfigNode node, const std::string& tag, YAML::anchor_t anchor);
  void Close();
  void Place(ConfigNode node, YAML::anchor_t anchor);
  void TakeKey(Level& level, ConfigNode key);
  void Count(std::size_t nodes, const ConfigNode& at);
  [[noreturn]] void TooDeep(const ConfigNode& at);

  const std::shared_ptr<const Origin>& origin_;
  Problems& problems_;
  ConfigNode root_;
  std::vector<Level> open_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::size_t count_ = 0;
};

}  // namespace millrace
