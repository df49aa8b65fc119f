#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "stages/inference/model/bisenet_face_parameters.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace {
namespace {

const std::string kFolder = std::string(MILLRACE_TEST_DATA) + "/";

Result<void> Check(const std::string& name) {
  const auto state = LoadStateDict(kFolder + name);
  INFO((state ? "" : state.error().message));
  REQUIRE(state);
  return CheckBiSeNetFaceParameters(*state, name);
}

std::string ErrorOf(const std::string& name) {
  const auto result = Check(name);
  REQUIRE(!result);
  CHECK(result.error().code == ErrorCode::kUnsupportedFormat);
  CHECK(result.error().message.find("millrace model fetch bisenet-face") != std::string::npos);
  return result.error().message;
}

bool Has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  const bool has = text.find(part) != std::string::npos;
  CHECK(has);
  return has;
}

TEST_CASE("the parameters of bisenet-face are those of the published state dict") {
  std::ifstream published(MILLRACE_TEST_SOURCES "/bisenet_face_state_dict.tsv");
  REQUIRE(published.is_open());
  std::size_t count = 0;
  const std::vector<ParameterSpec> specs = BiSeNetFaceParameters();
  for (std::string line; std::getline(published, line); ++count) {
    std::istringstream fields(line);
    std::string name, shape, type;
    fields >> name >> shape >> type;
    REQUIRE(count < specs.size());
    CHECK(specs[count].name == name);
    CHECK(FormatShape(specs[count].shape) == shape);
    CHECK(type == (specs[count].shape.empty() ? "int64" : "float32"));
  }
  CHECK(count == 191);
  CHECK(specs.size() == count);
}

TEST_CASE("a whole state dict is accepted, in double too, and without the counters") {
  for (const char* name : {"small_whole.pth", "small_double.pth", "small_no_counters.pth"}) {
    const auto result = Check(name);
    INFO((result ? "" : result.error().message));
    CHECK(result);
  }
}

TEST_CASE("what is missing, unexpected or mis-shaped is named") {
  Has(ErrorOf("small_missing.pth"), "missing: ffm.conv1.weight (64x256x1x1).");
  Has(ErrorOf("small_unexpected.pth"), "unexpected: cp.extra.weight.");
  Has(ErrorOf("small_integers.pth"),
      "wrong: cp.resnet.bn1.bias holds int64 where float32 is needed.");
  Has(ErrorOf("small_eleven_classes.pth"),
      "wrong: conv_out.conv_out.weight is 11x256x1x1 where 19x256x1x1 is needed");
  const std::string other = ErrorOf("small_other_network.pth");
  Has(other, "missing: cp.resnet.conv1.weight (64x3x7x7), ");
  Has(other, " more; unexpected: weight, bias.");
}

}  // namespace
}  // namespace millrace
