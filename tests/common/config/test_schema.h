// Schemas of two stages that exist in tests alone, so that a test of the reader does not change
// with the options of a real stage.
#pragma once

#include <string_view>

#include "common/config/load.h"
#include "common/config/options.h"

namespace millrace {

inline OptionSchema TestInferenceOptions() {
  OptionSchema schema;
  schema.Add({.name = "model",
              .type = OptionType::kChoice,
              .help = "the network",
              .default_value = std::string("tone"),
              .choices = {"tone", "bisenet"}});
  schema.Add(
      {.name = "weights", .type = OptionType::kPath, .help = "its weights", .must_exist = true});
  schema.Add({.name = "size.width",
              .type = OptionType::kInteger,
              .help = "pixels",
              .default_value = std::int64_t{512},
              .min = 1,
              .max = 65536});
  schema.Add({.name = "size.height",
              .type = OptionType::kInteger,
              .help = "pixels",
              .default_value = std::int64_t{512},
              .min = 1,
              .max = 65536});
  schema.Add({.name = "threads", .type = OptionType::kInteger, .help = "threads", .min = 1});
  schema.Add({.name = "threshold",
              .type = OptionType::kNumber,
              .help = "of what",
              .default_value = 0.5,
              .min = 0,
              .max = 1});
  schema.Add(
      {.name = "fast", .type = OptionType::kBool, .help = "or exact", .default_value = false});
  schema.Add({.name = "cap",
              .type = OptionType::kBytes,
              .help = "a size",
              .default_value = std::int64_t{1} << 20});
  schema.Add({.name = "warm_up", .type = OptionType::kDuration, .help = "a time"});
  schema.Add({.name = "label", .type = OptionType::kText, .help = "any text"});
  schema.Add({.name = "keep",
              .type = OptionType::kList,
              .help = "classes",
              .default_value = std::vector<std::string>{"skin"},
              .choices = {"skin", "nose", "hair"}});
  schema.Add({.name = "globs", .type = OptionType::kList, .help = "any texts"});
  return schema;
}

// With `inference` known, `scanner` and `preprocess` without options, the latter fit for a sandbox,
// and no environment.
class TestContext {
 public:
  TestContext() {
    context.schema = [this](std::string_view executable) -> const OptionSchema* {
      if (executable == "inference") return &inference_;
      if (executable == "preprocess") return &reader_;
      return executable == "scanner" ? &nothing_ : nullptr;
    };
    reader_.AllowSandbox();
    context.executables = {"scanner", "preprocess", "inference"};
    context.reserved_parameters = {"json", "help"};
    context.working_directory = "/cwd";
    context.core_count = 12;
    context.environment = [](const std::string&) { return std::nullopt; };
  }
  TestContext(const TestContext&) = delete;
  TestContext& operator=(const TestContext&) = delete;

  LoadContext context;

 private:
  OptionSchema inference_ = TestInferenceOptions();
  OptionSchema nothing_;
  OptionSchema reader_;
};

}  // namespace millrace
