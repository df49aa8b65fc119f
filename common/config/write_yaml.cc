// FlowYaml and ScalarYaml: a tree back into text.

#include <fmt/format.h>

#include <algorithm>

#include "common/config/node.h"

namespace millrace {
namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '/' || c == '+' || c == '-';
}

bool MayBePlain(std::string_view text) {
  // What YAML reads as null, as a document's end, or as a list's dash.
  for (const std::string_view word : {"", "null", "Null", "NULL", "-", "---", "..."}) {
    if (text == word) return false;
  }
  return std::ranges::all_of(text, IsPlain);
}

std::string Quote(std::string_view text, bool quoted, bool escape_variables) {
  if (!quoted && MayBePlain(text)) return std::string(text);
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else if (escape_variables && c == '$' && text.substr(i).starts_with("${")) {
      out += "$$";
    } else {
      out += c;
    }
  }
  return out + '"';
}

void AppendFlow(const ConfigNode& node, std::string& out) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      out += "null";
      return;
    case ConfigNode::Kind::kScalar:
      out += ScalarYaml(node.text, node.quoted);
      return;
    case ConfigNode::Kind::kList: {
      std::string_view separator = "[";
      for (const ConfigNode& item : node.items) {
        out += separator;
        AppendFlow(item, out);
        separator = ", ";
      }
      out += node.items.empty() ? "[]" : "]";
      return;
    }
    case ConfigNode::Kind::kMap: {
      std::string_view separator = "{";
      for (const ConfigEntry& entry : node.entries) {
        out += separator;
        out += Quote(entry.key.text, entry.key.quoted, false);  // keys are taken as they stand
        out += ": ";
        AppendFlow(entry.value, out);
        separator = ", ";
      }
      out += node.entries.empty() ? "{}" : "}";
      return;
    }
  }
}

}  // namespace

std::string ScalarYaml(std::string_view text, bool quoted) { return Quote(text, quoted, true); }

std::string FlowYaml(const ConfigNode& node) {
  std::string out;
  AppendFlow(node, out);
  return out;
}

}  // namespace millrace
