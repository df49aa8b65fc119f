// ParseYaml: yaml-cpp's events into a ConfigNode.

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "common/config/node.h"
#include "common/config/tree_builder.h"

namespace millrace {
namespace {

std::string SyntaxCure(const std::string& message, std::string_view line) {
  const auto says = [&](std::string_view part) { return message.find(part) != std::string::npos; };
  if (says("alias") || says("anchor")) return "put quotes around a value that begins with * or &";
  const std::size_t text = std::min(line.find_first_not_of(" \t"), line.size());
  if (line.substr(0, text).find('\t') != std::string_view::npos) return "indent with spaces";
  if (line.find("${") != std::string_view::npos) {
    return "put quotes around a value with ${...} in it: inside of { } the first } would end the "
           "map";
  }
  if (says("end of map flow") || says("end of sequence flow")) {
    return "close the { or [ that was opened before this place";
  }
  if (says("illegal map value")) return "put quotes around a value that holds \": \"";
  return "look at the indentation, quotes and brackets at this place and just before it";
}

// The line-th line, from 0, or "".
std::string_view LineOf(std::string_view bytes, int line) {
  for (; line > 0; --line) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return "";
    bytes.remove_prefix(end + 1);
  }
  return line < 0 ? "" : bytes.substr(0, bytes.find('\n'));
}

// Of a second document, that there is one is all that is asked.
class SecondDocument final : public YAML::EventHandler {
 public:
  YAML::Mark mark = YAML::Mark::null_mark();

  void OnDocumentStart(const YAML::Mark& start) override {
    mark = start;
    throw StopParsing();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

ConfigNode ParseYaml(std::string_view bytes, const std::shared_ptr<const Origin>& origin,
                     Problems& problems) {
  ConfigNode place;
  place.origin = origin;
  const auto refuse = [&](const YAML::Mark& mark, std::string what, std::string cure) {
    place.line = mark.is_null() ? 0 : mark.line + 1;
    place.column = mark.is_null() ? 0 : mark.column + 1;
    problems.Add(place, "", std::move(what), std::move(cure));
    return place;
  };
  SecondDocument second;
  try {
    std::istringstream stream{std::string(bytes)};
    YAML::Parser parser(stream);
    TreeBuilder builder(origin, problems);
    if (!parser.HandleNextDocument(builder)) {
      return refuse(YAML::Mark::null_mark(), "the file is empty",
                    "write a topology; config/README.md describes one");
    }
    (void)parser.HandleNextDocument(second);
    return builder.TakeRoot();
  } catch (const StopParsing&) {
    if (!second.mark.is_null()) {
      refuse(second.mark, "a second document, or something after the end of the first",
             "keep one document, without `---`, and look at the brackets and quotes before this "
             "place");
    }
  } catch (const YAML::Exception& error) {
    refuse(error.mark, "not YAML: " + error.msg,
           SyntaxCure(error.msg, LineOf(bytes, error.mark.line)));
  } catch (const std::exception& error) {
    refuse(YAML::Mark::null_mark(), std::string("not YAML: ") + error.what(), SyntaxCure("", ""));
  }
  return place;
}

}  // namespace millrace
