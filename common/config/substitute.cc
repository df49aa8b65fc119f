#include "common/config/substitute.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace millrace {
namespace {

bool IsName(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

void SubstituteText(ConfigNode& node, const Environment& environment, Problems& problems) {
  const std::string_view text = node.text;
  std::string out;
  bool substituted = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("$${")) {
      out += "${";
      at += 3;
      continue;
    }
    if (!rest.starts_with("${")) {
      out += text[at++];
      continue;
    }
    const std::size_t end = rest.find('}');
    const std::string_view inside = rest.substr(2, end == std::string_view::npos ? 0 : end - 2);
    const std::size_t dash = inside.find(":-");
    const std::string name(inside.substr(0, dash));
    if (end == std::string_view::npos || !IsName(name)) {
      problems.Add(node, "", fmt::format("\"{}\" is no variable", rest.substr(0, 40)),
                   "write ${NAME} or ${NAME:-default}, or $${ for the characters themselves");
      node.broken = true;
      return;
    }
    std::optional<std::string> value = environment(name);
    if (dash != std::string_view::npos && value.value_or("").empty()) {
      value = std::string(inside.substr(dash + 2));
    }
    if (!value) {
      problems.Add(node, "", fmt::format("the environment variable {} is not set", name),
                   fmt::format("set it, or give a default: ${{{}:-default}}", name));
      node.broken = true;
      return;
    }
    out += *value;
    substituted = true;
    at += end + 1;
  }
  node.text = std::move(out);
  node.loose = node.loose || substituted;
}

}  // namespace

void Substitute(ConfigNode& node, const Environment& environment, Problems& problems) {
  if (node.kind == ConfigNode::Kind::kScalar && !node.origin->from_command_line) {
    SubstituteText(node, environment, problems);
  }
  for (ConfigNode& item : node.items) Substitute(item, environment, problems);
  for (ConfigEntry& entry : node.entries) Substitute(entry.value, environment, problems);
}

}  // namespace millrace
