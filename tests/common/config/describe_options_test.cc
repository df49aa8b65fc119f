#include "common/config/describe_options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/common/config/test_schema.h"

namespace millrace {
namespace {

// Without the line breaks and the columns.
std::string Described(const Options* chosen = nullptr) {
  std::string text = DescribeOptions(TestInferenceOptions(), "inference.options.", chosen);
  std::ranges::replace(text, '\n', ' ');
  const auto repeated =
      std::ranges::unique(text, [](char a, char b) { return a == ' ' && b == a; });
  text.erase(repeated.begin(), repeated.end());
  return text;
}

TEST_CASE("an option is described by its name, its values in their units, and its default") {
  const std::string text = Described();
  for (const char* line : {"inference.options.model the network [tone, bisenet; default tone]",
                           "inference.options.weights its weights [a path; default none]",
                           "inference.options.size.width pixels [1 to 65536; default 512]",
                           "inference.options.threads threads [at least 1; default none]",
                           "inference.options.threshold of what [0 to 1; default 0.5]",
                           "inference.options.fast or exact [true or false; default false]",
                           "inference.options.cap a size [default 1MiB]",
                           "inference.options.keep classes [any of skin, nose, hair; default skin]",
                           "inference.options.globs any texts [a list; default none]"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("what was chosen instead of a default is described, and only that") {
  Options chosen = Options::Defaults(TestInferenceOptions());
  chosen.Set("keep", std::vector<std::string>{"skin", "nose"});
  chosen.Set("weights", std::string("/w.pth"));
  const std::string text = Described(&chosen);
  CHECK(text.find("default skin; here skin, nose]") != std::string::npos);
  CHECK(text.find("default none; here /w.pth]") != std::string::npos);
  CHECK(text.find("default 512]") != std::string::npos);
}

TEST_CASE("bounds carry the unit of their type, and a required option says so") {
  OptionSchema schema;
  schema.Add({.name = "pause",
              .type = OptionType::kDuration,
              .help = "How long.",
              .required = true,
              .min = 0.5,
              .max = 60});
  schema.Add({.name = "cap", .type = OptionType::kBytes, .help = "A size.", .max = 4096});
  const std::string text = DescribeOptions(schema, "", nullptr);
  CHECK(text.find("How long [500ms to 1m; required]\n") != std::string::npos);
  CHECK(text.find("A size [at most 4KiB; default none]\n") != std::string::npos);
}

TEST_CASE("no line is wider than a terminal, whatever the help says") {
  OptionSchema schema;
  std::string help;
  for (int i = 0; i < 100; ++i) help += "words ";
  schema.Add({.name = std::string(50, 'n'), .help = help + "end"});
  const std::string text = DescribeOptions(schema, "", nullptr);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    CHECK(end - at <= 110);
    at = end + 1;
  }
}

}  // namespace
}  // namespace millrace
