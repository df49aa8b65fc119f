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
  return sum.Value();
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
