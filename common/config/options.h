// A stage's options: a schema declared in code, values read from the topology's YAML and checked
// against it. An unknown key is an error that names the nearest known one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace millrace {

enum class OptionType {
  kBool,     // true | false
  kInteger,  // decimal, no leading zero
  kNumber,   // a decimal fraction
  kText,
  kPath,      // relative to the file it is written in, or to the working directory on the command
              // line; Options holds it absolute
  kDuration,  // 10ms, 2s, 5m, 1h, 30d
  kBytes,     // 64KiB, 1MiB, 2GiB, 500MB, 10B: an explicit unit, always
  kChoice,    // one of `choices`
  kList,      // of texts, each one of `choices` where there are any; one alone needs no brackets,
              // and the command line writes a,b
};

// kBool→bool, kInteger/kBytes→int64, kNumber→double, kText/kPath/kChoice→string,
// kDuration→Duration, kList→vector<string>.
using OptionValue =
    std::variant<bool, std::int64_t, double, std::string, Duration, std::vector<std::string>>;

// How an option takes part in its stage's recipe (common/stage/recipe.h): what was done with
// another recipe is done again.
enum class InRecipe {
  // The results do not depend on it: it only says where or how fast, or it is the path of a file
  // whose content the stage's Ingredients tell.
  kNever,
  // With its value, where that is not the default: an option that is added to a stage leaves done
  // what was done before. So its default never changes; another default is another option.
  kUnlessDefault,
  // With its value, default or not. Only the options of version 0.1 are written like this, since
  // their recipes are in users' states (tests/stages/recipes_test.cc). Not for a new one.
  kAlways,
};

struct OptionSpec {
  std::string name;  // "size.width" is written `size: {width: 512}`
  OptionType type = OptionType::kText;
  std::string help;  // one sentence, shown by --help and by errors
  std::optional<OptionValue> default_value;
  bool required = false;
  std::vector<std::string> choices;
  // Beside `choices`: those that are too many for help and errors to list. `help` tells them.
  std::vector<std::string> unlisted_choices;
  std::optional<double> min;  // kInteger, kNumber, kBytes (bytes), kDuration (seconds); inclusive
  std::optional<double> max;
  // kPath: nothing starts while there is no such file (LoadContext::check_files).
  bool must_exist = false;
  InRecipe in_recipe = InRecipe::kUnlessDefault;
};

// Declared once by each stage, in its small options library:
//
//   OptionSchema PreprocessOptions() {
//     OptionSchema schema;
//     schema.Add({.name = "size.width", .type = OptionType::kInteger, .help = "...",
//                 .default_value = std::int64_t{512}, .min = 1, .max = 65536});
//     ...
class OptionSchema {
 public:
  // A name that is there already, or a default of another type, is a programming error and ends the
  // process with a message.
  OptionSchema& Add(OptionSpec spec);
  [[nodiscard]] const std::vector<OptionSpec>& specs() const { return specs_; }
  // nullptr where there is none of that name.
  [[nodiscard]] const OptionSpec* Find(std::string_view name) const;

  // For a stage whose Process does nothing to the outside but read files, in threads of its own if
  // it likes: `sandbox: true` may be said of it (common/os/sandbox.h).
  OptionSchema& AllowSandbox();
  [[nodiscard]] bool sandbox_allowed() const { return sandbox_allowed_; }

 private:
  std::vector<OptionSpec> specs_;
  bool sandbox_allowed_ = false;
};

// Checked values. Asking for a name that the schema lacks, or with the wrong type, is a programming
// error and ends the process with a message; asking for one that is absent without default too
// (ask Has first).
class Options {
 public:
  [[nodiscard]] bool Has(std::string_view name) const;
  [[nodiscard]] bool Bool(std::string_view name) const;
  [[nodiscard]] std::int64_t Integer(std::string_view name) const;
  [[nodiscard]] double Number(std::string_view name) const;
  [[nodiscard]] const std::string& Text(std::string_view name) const;  // kText, kPath, kChoice
  [[nodiscard]] Duration Time(std::string_view name) const;
  [[nodiscard]] std::int64_t Bytes(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& List(std::string_view name) const;

  void Set(std::string name, OptionValue value) { values_[std::move(name)] = std::move(value); }
  // The schema's defaults, with nothing else: what tests of a stage start from.
  static Options Defaults(const OptionSchema& schema);
  // nullptr where it is absent.
  [[nodiscard]] const OptionValue* Find(std::string_view name) const;

  friend bool operator==(const Options&, const Options&) = default;

 private:
  std::map<std::string, OptionValue, std::less<>> values_;
};

// The name nearest to `name` by edit distance, for "did you mean"; "" where none is near (a third
// of the length, at most 3 edits).
std::string NearestName(std::string_view name, const std::vector<std::string>& known);

}  // namespace millrace
