// A configuration as a tree of values that know where they were written.
//
// Built from yaml-cpp's events rather than from its nodes, which keep the first of two equal keys
// silently and read 010 as 8.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/problem.h"

namespace millrace {

// Where values come from: a file, or one value of the command line.
struct Origin {
  std::string name;         // the file's path; "--set x.y=1"; "--weights"
  std::string relative_to;  // absolute folder that relative paths start from
  bool from_command_line = false;
};

struct ConfigEntry;

struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string text;     // kScalar
  bool quoted = false;  // kScalar: "8" is a text, 8 a number
  // The value came from a variable or the command line, where types cannot be written: quotes do
  // not make a number a text, commas make a list, and nothing at all leaves the key unset.
  bool loose = false;
  bool broken = false;               // a problem is recorded already; there is no value to look at
  std::vector<ConfigNode> items;     // kList
  std::vector<ConfigEntry> entries;  // kMap, keys unique
  int line = 0;                      // from 1; 0 where there is no file
  int column = 0;
  std::shared_ptr<const Origin> origin;  // never null in a tree that Parse gave

  // The value of a key of a map, or nullptr.
  [[nodiscard]] const ConfigNode* Find(std::string_view key) const;
  [[nodiscard]] ConfigNode* Find(std::string_view key);
};

struct ConfigEntry {
  ConfigNode key;  // a scalar
  ConfigNode value;
};

// "a list", "a map", "nothing", "a text": for messages.
std::string_view KindName(ConfigNode::Kind kind);

// Collects problems, up to a bound: a file of a million mistakes is not worth a million lines.
class Problems {
 public:
  void Add(const ConfigNode& at, std::string path, std::string what, std::string cure);
  void Add(Problem problem);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  // In the order of lines, those of the command line first; leaves this empty.
  [[nodiscard]] std::vector<Problem> Take();

 private:
  std::vector<Problem> problems_;
};

// The tree of one YAML document, or a null node where there are problems with it: syntax, a
// repeated or complex key, a tag, a second document, an alias that would multiply the tree, too
// much depth.
ConfigNode ParseYaml(std::string_view bytes, const std::shared_ptr<const Origin>& origin,
                     Problems& problems);

// The tree as YAML on one line, which ParseYaml and Substitute read back to an equal tree but for
// places and for the quotes of what must be quoted.
std::string FlowYaml(const ConfigNode& node);
// One text as a YAML scalar, quoted where it must be or where `quoted`; ${ is escaped.
std::string ScalarYaml(std::string_view text, bool quoted);

// "inference" + "options" -> "inference.options"; an empty first part adds no dot.
std::string JoinPath(std::string_view first, std::string_view second);

}  // namespace millrace
