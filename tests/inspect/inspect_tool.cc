// Inspects files and says what it found, one JSON line each: for the tests that compare verdicts.
//
//   inspect_tool open|decode|strict|full FILE...       (or the names on stdin, one a line)
//
// full: by decoding all of the first picture, which the other levels avoid.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "common/base/json_text.h"
#include "common/image/decode.h"
#include "common/image/inspect.h"

namespace millrace {
namespace {

std::optional<Finding> DecodeInFull(std::span<const std::byte> bytes) {
  const auto decoded = DecodePicture(bytes, {.accept_truncated = false});
  if (!decoded) return Finding{decoded.error().code, decoded.error().message, {}, {}};
  if (!decoded->warnings.empty()) {
    return Finding{ErrorCode::kCorrupt, decoded->warnings.front(), {}, {}};
  }
  return std::nullopt;
}

void Report(const std::string& path, const std::string& level) {
  std::ifstream file(path, std::ios::binary);
  std::error_code unreadable;
  std::vector<char> text(std::filesystem::file_size(path, unreadable));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto bytes = std::as_bytes(std::span(text));
  std::optional<Finding> finding;
  if (level == "full") {
    finding = DecodeInFull(bytes);
  } else {
    InspectOptions options;
    if (level == "open") options.level = InspectLevel::kOpen;
    if (level == "strict") options.level = InspectLevel::kStrict;
    finding = Inspect(bytes, path, options).finding;
  }
  std::cout << R"({"path": ")" << JsonEscapeBytes(path) << R"(", "code": ")"
            << (finding ? ErrorCodeName(finding->code) : "ok") << R"(", "detail": ")"
            << JsonEscapeBytes(finding ? finding->what : "") << '"';
  if (finding && finding->offset) std::cout << R"(, "offset": )" << *finding->offset;
  if (finding && finding->lost) std::cout << R"(, "lost": )" << *finding->lost;
  std::cout << "}\n";
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const std::string level = argc > 1 ? argv[1] : "";
  if (level != "open" && level != "decode" && level != "strict" && level != "full") {
    std::cerr << "usage: inspect_tool open|decode|strict|full [FILE...]\n";
    return 2;
  }
  for (int i = 2; i < argc; ++i) millrace::Report(argv[i], level);
  if (argc > 2) return 0;
  for (std::string path; std::getline(std::cin, path);) millrace::Report(path, level);
}
