#include "broker/state/item_row.h"

#include <algorithm>
#include <charconv>

#include "broker/state/row_sum.h"

namespace millrace {
namespace {

// A number up to the next space; false where there is none.
bool TakeNumber(std::string_view& line, std::int64_t& number) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

std::uint32_t ItemRow::Sum() const {
  RowSum sum;
  sum.Add(root).Add(key).Add(generation).Add(static_cast<std::int64_t>(state));
  sum.Add(stage).Add(recipe).Add(meta).Add(code).Add(text);
  sum.Add(marks.attempts).Add(marks.unclaimed_deaths).Add(marks.link_losses).Add(marks.alone);
  sum.Add(EncodeOutputs(outputs, key)).Add(warnings);
  if (!said.empty()) sum.Add(said);  // rows of version 1 have no such column
  return sum.Value();
}

std::string SaidOf(ItemState state, std::string_view code, std::string_view text) {
  std::string said = state == ItemState::kFailed ? "failed " : "skipped ";
  said += code;
  if (!text.empty()) (said += ' ') += text;
  return said;
}

void ItemRow::TakeWhatWasSaid() {
  if (said.empty()) return;
  std::string_view rest = said;
  const auto take_word = [&rest] {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    return std::string(word);
  };
  state = take_word() == "failed" ? ItemState::kFailed : ItemState::kSkipped;
  code = take_word();
  text = rest;
  stage = recipe = 0;
  marks = {.attempts = state == ItemState::kFailed ? 1 : 0};
  outputs.clear();
  warnings.clear();
  meta.clear();
  said.clear();
}

std::string EncodeOutputs(const std::vector<wire::OutputFile>& outputs, std::string_view key) {
  std::string text;
  for (const wire::OutputFile& file : outputs) {
    text += std::to_string(file.bytes) + ' ' + std::to_string(file.mtime_ns) + ' ';
    if (file.path != key) text += file.path;
    text += '\0';
  }
  return text;
}

std::vector<wire::OutputFile> DecodeOutputs(std::string_view text, std::string_view key) {
  std::vector<wire::OutputFile> outputs;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    wire::OutputFile file;
    if (!TakeNumber(line, file.bytes) || !TakeNumber(line, file.mtime_ns)) continue;
    file.path = line.empty() ? key : line;
    outputs.push_back(std::move(file));
  }
  return outputs;
}

}  // namespace millrace
