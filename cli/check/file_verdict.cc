#include "cli/check/file_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

constexpr std::array<std::string_view, 4> kPixelsLostCodes = {"truncated", "corrupt", "bad-crc",
                                                              "empty"};
constexpr std::array<std::string_view, 2> kNotReadCodes = {"unsupported-format", "preview-only"};
constexpr std::array<std::string_view, 3> kHarmlessCodes = {"trailing-data", "extension-mismatch",
                                                            "bad-metadata"};

template <typename T>
std::optional<T> IfThere(const Result<T>& member) {
  return member ? std::optional<T>(*member) : std::nullopt;
}

}  // namespace

VerdictKind KindOf(std::string_view code) {
  const auto is_among = [code](const auto& codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
  };
  if (code == "ok") return VerdictKind::kOk;
  if (code == "not-an-image") return VerdictKind::kNoPicture;
  if (code == "suspicious") return VerdictKind::kSigns;
  if (is_among(kPixelsLostCodes)) return VerdictKind::kPixelsLost;
  if (is_among(kNotReadCodes)) return VerdictKind::kNotRead;
  return is_among(kHarmlessCodes) ? VerdictKind::kHarmless : VerdictKind::kNoVerdict;
}

bool CountsAsBroken(std::string_view code, bool strict) {
  switch (KindOf(code)) {
    case VerdictKind::kOk:
      return false;
    case VerdictKind::kSigns:
    case VerdictKind::kHarmless:
    case VerdictKind::kNotRead:
      return strict;
    case VerdictKind::kPixelsLost:
    case VerdictKind::kNoPicture:
    case VerdictKind::kNoVerdict:
      break;
  }
  return true;
}

bool ActRule::Allows(std::string_view code) const {
  return KindOf(code) == VerdictKind::kPixelsLost || also_.contains(std::string(code));
}

Result<FileVerdict> ReadVerdict(std::string_view line) {
  FileVerdict verdict;
  for (const auto& [name, member] :
       {std::pair("path", &FileVerdict::path), std::pair("code", &FileVerdict::code)}) {
    auto text = JsonTextMember(line, name);
    if (!text) return Fail(ErrorCode::kProtocol, "no verdict: " + text.error().message);
    verdict.*member = *std::move(text);
  }
  verdict.input = JsonTextMember(line, "input").value_or("");
  verdict.detail = JsonTextMember(line, "detail").value_or("");
  if (verdict.detail.empty()) verdict.detail = JsonTextMember(line, "reason").value_or("");
  verdict.format = JsonTextMember(line, "format").value_or("");
  verdict.bytes = IfThere(JsonIntegerMember(line, "bytes"));
  if (verdict.code == "empty") verdict.bytes = 0;  // the scan tells them without their size
  verdict.mtime_ns = IfThere(JsonIntegerMember(line, "mtime_ns"));
  verdict.offset = IfThere(JsonIntegerMember(line, "offset"));
  verdict.lost = IfThere(JsonNumberMember(line, "lost"));
  return verdict;
}

std::string IncompleteJson(std::string_view reason) {
  return fmt::format(R"({{"complete": false, "reason": "{}"}})", JsonEscapeBytes(reason));
}

bool IsIncompleteJson(std::string_view line) { return line.starts_with(R"({"complete": false)"); }

std::string VerdictJson(const FileVerdict& verdict, bool with_input) {
  std::string line = R"({"path": ")" + JsonEscapeBytes(verdict.path) + '"';
  const auto text = [&line](const char* name, const std::string& value) {
    if (!value.empty()) line += fmt::format(R"(, "{}": "{}")", name, JsonEscapeBytes(value));
  };
  const auto number = [&line](const char* name, const std::optional<std::int64_t>& value) {
    if (value) line += fmt::format(R"(, "{}": {})", name, *value);
  };
  if (with_input) text("input", verdict.input);
  text("code", verdict.code);
  text("detail", verdict.detail);
  text("format", verdict.format);
  number("bytes", verdict.bytes);
  number("mtime_ns", verdict.mtime_ns);
  number("offset", verdict.offset);
  if (verdict.lost) line += fmt::format(R"(, "lost": {:.4f})", *verdict.lost);
  return line + '}';
}

}  // namespace millrace::cli
