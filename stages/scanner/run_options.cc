#include "stages/scanner/run_options.h"

#include "stages/scanner/glob.h"

namespace millrace {
namespace {

std::string Join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end != 0) lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

void ScanRunOptions::WriteTo(Meta& meta) const {
  const auto text = [&meta](std::string_view name, std::string value) {
    if (!value.empty()) meta.Set(std::string(name), std::move(value));
  };
  const auto count = [&meta](std::string_view name, std::int64_t value) {
    if (value != 0) meta.Set(std::string(name), value);
  };
  const auto flag = [&meta](std::string_view name, bool value) {
    if (value) meta.Set(std::string(name), true);
  };
  text(kIncludeOption, Join(include));
  text(kExcludeOption, Join(exclude));
  count(kLimitOption, limit);
  count(kSampleOption, sample);
  flag(kNoDefaultExcludesOption, no_default_excludes);
  flag(kFollowSymlinksOption, follow_symlinks);
  text(kFilesFromOption, files_from);
  flag(kFilesFromNulOption, files_from_nul);
  text(kOnlyOption, only);
  text(kSkipListOption, skip_list);
  flag(kChecksumOption, checksum);
}

Result<ScanRunOptions> ScanRunOptions::ReadFrom(const Meta& meta) {
  ScanRunOptions options;
  options.include = SplitLines(meta.Text(kIncludeOption));
  options.exclude = SplitLines(meta.Text(kExcludeOption));
  options.limit = meta.Integer(kLimitOption, 0);
  options.sample = meta.Integer(kSampleOption, 0);
  options.no_default_excludes = meta.Bool(kNoDefaultExcludesOption, false);
  options.follow_symlinks = meta.Bool(kFollowSymlinksOption, false);
  options.files_from = meta.Text(kFilesFromOption);
  options.files_from_nul = meta.Bool(kFilesFromNulOption, false);
  options.only = meta.Text(kOnlyOption);
  options.skip_list = meta.Text(kSkipListOption);
  options.checksum = meta.Bool(kChecksumOption, false);
  for (const auto* patterns : {&options.include, &options.exclude}) {
    for (const std::string& pattern : *patterns) RETURN_IF_ERROR(Glob::Parse(pattern));
  }
  if (options.limit < 0 || options.sample < 0) {
    return Fail(ErrorCode::kUsage, "--limit and --sample take a number of images above 0");
  }
  if (options.limit > 0 && options.sample > 0) {
    return Fail(ErrorCode::kUsage, "--limit and --sample exclude each other");
  }
  if (!options.files_from.empty() && !options.only.empty()) {
    return Fail(ErrorCode::kUsage, "a list of files goes with an INPUT that is a folder");
  }
  return options;
}

}  // namespace millrace
