// Inspects files and says what it found, one JSON line each: for the tests that compare verdicts
// and for measurements. Files are read as the stage reads them.
//
//   inspect_tool open|decode|strict|full [--repeat N] FILE...     (or the names on stdin, one a
//   line)
//
// full: by decoding all of the first picture, which the other levels avoid. --repeat: judges each
// file N times, and says how much CPU time one of them took.
#include <charconv>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/json_text.h"
#include "common/image/decode.h"
#include "common/image/inspect.h"
#include "stages/input_file.h"

namespace millrace {
namespace {

using Bytes = std::span<const std::byte>;

struct Asked {
  std::string level;
  int repeat = 0;  // 0: once, not measured
};

Inspection DecodeInFull(Bytes bytes) {
  const auto decoded = DecodePicture(bytes, {.accept_truncated = false});
  if (!decoded) return {{}, Finding{decoded.error().code, decoded.error().message, {}, {}}};
  if (decoded->warnings.empty()) return {decoded->format, {}};
  return {decoded->format, Finding{ErrorCode::kCorrupt, decoded->warnings.front(), {}, {}}};
}

Inspection Judge(Bytes bytes, const std::string& path, const std::string& level) {
  if (level == "full") return DecodeInFull(bytes);
  InspectOptions options;
  if (level == "open") options.level = InspectLevel::kOpen;
  if (level == "strict") options.level = InspectLevel::kStrict;
  return Inspect(bytes, path, options);
}

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void Say(const std::string& path, const Inspection& inspection) {
  const auto& finding = inspection.finding;
  std::cout << R"({"path": ")" << JsonEscapeBytes(path) << R"(", "code": ")"
            << (finding ? ErrorCodeName(finding->code) : "ok") << R"(", "detail": ")"
            << JsonEscapeBytes(finding ? finding->what : "") << '"';
  if (inspection.format) {
    std::cout << R"(, "format": ")" << ImageFormatName(*inspection.format) << '"';
  }
  if (finding && finding->offset) std::cout << R"(, "offset": )" << *finding->offset;
  if (finding && finding->lost) std::cout << R"(, "lost": )" << *finding->lost;
}

void Report(const std::string& path, const Asked& asked) {
  const std::filesystem::path whole = std::filesystem::absolute(path);
  const auto read = ReadInput(whole.parent_path().string(), whole.filename().string(), true,
                              InspectOptions().max_bytes);
  if (const auto* none = std::get_if<NoInput>(&read)) {
    const auto* failed = std::get_if<Failed>(none);
    Say(path, {{},
               failed != nullptr ? Finding{failed->code, failed->text, {}, {}}
                                 : Finding{ErrorCode::kUnreadable, "no regular file", {}, {}}});
  } else {
    const Bytes bytes = std::get<std::vector<std::byte>>(read);
    const double begun = CpuSeconds();
    for (int i = 1; i < asked.repeat; ++i) Judge(bytes, path, asked.level);
    Say(path, Judge(bytes, path, asked.level));
    if (asked.repeat > 0) {
      std::cout << R"(, "cpu_s": )" << (CpuSeconds() - begun) / asked.repeat;
    }
  }
  std::cout << "}\n";
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  std::vector<std::string> words(argv + 1, argv + argc);
  millrace::Asked asked;
  if (!words.empty()) asked.level = words[0];
  bool usage = asked.level != "open" && asked.level != "decode" && asked.level != "strict" &&
               asked.level != "full";
  std::size_t first = 1;
  if (words.size() > 1 && words[1] == "--repeat") {
    first = 3;
    const std::string count = words.size() > 2 ? words[2] : "";
    std::from_chars(count.data(), count.data() + count.size(), asked.repeat);
    usage = usage || asked.repeat < 1;
  }
  if (usage) {
    std::cerr << "usage: inspect_tool open|decode|strict|full [--repeat N] [FILE...]\n";
    return 2;
  }
  for (std::size_t i = first; i < words.size(); ++i) millrace::Report(words[i], asked);
  if (words.size() > first) return 0;
  for (std::string path; std::getline(std::cin, path);) millrace::Report(path, asked);
}
