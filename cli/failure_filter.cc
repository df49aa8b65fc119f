#include "cli/failure_filter.h"

#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

bool Is(std::string_view line, std::string_view member, const std::string& wanted) {
  return wanted.empty() || JsonTextMember(line, member).value_or("") == wanted;
}

}  // namespace

bool FailureFilter::Takes(std::string_view line) const {
  return Is(line, "stage", stage) && Is(line, "code", code);
}

void AddFailureFilter(CLI::App& command, FailureFilter& filter) {
  command.add_option("--stage", filter.stage, "Only what failed in this stage, e.g. preprocess")
      ->type_name("STAGE");
  command.add_option("--code", filter.code, "Only what failed with this code, e.g. not-an-image")
      ->type_name("CODE");
}

}  // namespace millrace::cli
