#include "stages/postprocess/output_name.h"

#include "common/image/sniff.h"

namespace millrace {
namespace {

// The set A of output_name.h.
bool GetsPngAppended(std::string_view key) {
  while (key.ends_with(".png")) key.remove_suffix(4);
  return FormatOfName(key) && !FileFormatOfName(key);
}

}  // namespace

std::string_view OutputKindName(OutputKind kind) {
  switch (kind) {
    case OutputKind::kMasked:
      return "masked";
    case OutputKind::kMask:
      return "mask";
    case OutputKind::kLabels:
      return "labels";
    case OutputKind::kOverlay:
      return "overlay";
  }
  return "";
}

OutputName NameOutput(std::string_view key, OutputKind kind, bool alone, OutputFormat format) {
  OutputName name{std::string(key), FileFormat::kPng};
  // A mask's values and an index survive no lossy format.
  if (kind == OutputKind::kMask || kind == OutputKind::kLabels) format = OutputFormat::kPng;
  switch (format) {
    case OutputFormat::kSame:
      name.format = FileFormatOfName(key).value_or(FileFormat::kPng);
      if (alone) {
        if (GetsPngAppended(key)) name.key += ".png";
        return name;
      }
      break;
    case OutputFormat::kPng:
      break;
    case OutputFormat::kJpeg:
      name.format = FileFormat::kJpeg;
      break;
    case OutputFormat::kWebp:
      name.format = FileFormat::kWebp;
      break;
  }
  if (!alone) {
    name.key += '.';
    name.key += OutputKindName(kind);
  }
  name.key += '.';
  name.key += FileSuffix(name.format);
  return name;
}

}  // namespace millrace
