#include "stages/inspect/options.h"

#include <algorithm>
#include <charconv>

namespace millrace {

OptionSchema InspectStageOptions() {
  OptionSchema schema;
  schema
      .Add({.name = "level",
            .type = OptionType::kChoice,
            .help = "What is looked at: open, the header; decode, every pixel's data; strict, also "
                    "what costs no pixels.",
            .default_value = "decode",
            .choices = {"open", "decode", "strict"},
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "max_pixels",
            .type = OptionType::kInteger,
            .help = "A picture of more pixels is too-large: it is not decoded, and not judged.",
            .default_value = std::int64_t{256'000'000},
            .min = 1,
            .max = 1'000'000'000,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "max_side",
            .type = OptionType::kInteger,
            .help = "A picture wider or higher than this is too-large.",
            .default_value = std::int64_t{65536},
            .min = 1,
            .max = 1'000'000,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "max_bytes",
            .type = OptionType::kBytes,
            .help = "A larger file is too-large: it is not read, since it would be all in memory.",
            .default_value = std::int64_t{256} << 20,
            .min = 1,
            .max = 2147483647,
            .in_recipe = InRecipe::kAlways})
      .Add({.name = "readers",
            .type = OptionType::kList,
            .help = "FOLDER=COUNT: how many files under that folder the workers of one machine "
                    "read at once, for a hard disk (1) or a network mount.",
            .default_value = std::vector<std::string>(),
            .in_recipe = InRecipe::kNever});
  schema.AllowSandbox();
  return schema;
}

Result<std::vector<ReaderLimit>> ReaderLimits(const Options& options) {
  constexpr int kMaxReaders = 1024;
  std::vector<ReaderLimit> limits;
  for (const std::string& written : options.List("readers")) {
    const std::size_t sign = written.rfind('=');
    const std::string_view count =
        sign == std::string::npos ? "" : std::string_view(written).substr(sign + 1);
    ReaderLimit limit;
    const auto parsed = std::from_chars(count.data(), count.data() + count.size(), limit.readers);
    if (written.empty() || written.front() != '/' || parsed.ec != std::errc() ||
        parsed.ptr != count.data() + count.size() || limit.readers < 1 ||
        limit.readers > kMaxReaders) {
      return Fail(ErrorCode::kUsage, "readers: \"" + written +
                                         "\" is not an absolute folder and a count; write "
                                         "/mnt/photos=1");
    }
    limit.root = written.substr(0, sign);
    while (!limit.root.empty() && limit.root.back() == '/') limit.root.pop_back();
    limits.push_back(std::move(limit));
  }
  std::stable_sort(limits.begin(), limits.end(), [](const ReaderLimit& a, const ReaderLimit& b) {
    return a.root.size() > b.root.size();
  });
  return limits;
}

}  // namespace millrace
