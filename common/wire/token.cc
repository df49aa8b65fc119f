#include "common/wire/token.h"

#include <algorithm>
#include <array>

namespace millrace::wire {
namespace {

bool OfWordLetters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string Quoted(std::string_view given) {
  std::string text = "'" + std::string(given.substr(0, kMaxTokenBytes));
  if (given.size() > kMaxTokenBytes) text += "...";
  return text + "'";
}

}  // namespace

bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes && OfWordLetters(text);
}

bool IsRecordName(std::string_view text) {
  constexpr std::array<std::string_view, 3> kOurs = {"failed", "deleted", "report"};
  return !text.empty() && text.size() <= kMaxRecordNameBytes && OfWordLetters(text) &&
         std::find(kOurs.begin(), kOurs.end(), text) == kOurs.end();
}

std::string InvalidToken(std::string_view what, std::string_view given) {
  return "its " + std::string(what) + " " + Quoted(given) + " is not [a-z0-9-]{1,64}";
}

std::string InvalidRecordName(std::string_view given) {
  return "its record is to go into the file " + Quoted(given) +
         ", which is not [a-z0-9-]{1,32} or is one of millrace's own (failed, deleted, report)";
}

}  // namespace millrace::wire
