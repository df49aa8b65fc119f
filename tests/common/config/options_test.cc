#include "common/config/options.h"

#include <doctest/doctest.h>

#include "tests/common/config/test_schema.h"

namespace millrace {
namespace {

TEST_CASE("the nearest name is found within a third of the letters") {
  const std::vector<std::string> known{"weights", "host", "replicas", "batch"};
  CHECK(NearestName("wieghts", known) == "weights");
  CHECK(NearestName("hots", known) == "host");
  CHECK(NearestName("replica", known) == "replicas");
  CHECK(NearestName("Batch", known) == "batch");
  CHECK(NearestName("ghost", known) == "host");
  CHECK(NearestName("device", known).empty());
  CHECK(NearestName("", known).empty());
  CHECK(NearestName("cost", known) == "host");
  CHECK(NearestName("cast", known).empty());
  CHECK(NearestName(std::string(100'000, 'x'), known).empty());
}

TEST_CASE("defaults hold what the schema gives and nothing else") {
  const Options options = Options::Defaults(TestInferenceOptions());
  CHECK(options.Text("model") == "tone");
  CHECK(options.Integer("size.width") == 512);
  CHECK(options.Number("threshold") == 0.5);
  CHECK(!options.Bool("fast"));
  CHECK(options.Bytes("cap") == 1 << 20);
  CHECK(options.List("keep") == std::vector<std::string>{"skin"});
  CHECK(!options.Has("weights"));
  CHECK(options.Find("weights") == nullptr);
}

TEST_CASE("options are equal by their values") {
  Options a = Options::Defaults(TestInferenceOptions());
  const Options b = a;
  CHECK(a == b);
  a.Set("fast", true);
  CHECK(!(a == b));
}

TEST_CASE("a schema finds its options by name") {
  const OptionSchema schema = TestInferenceOptions();
  REQUIRE(schema.Find("size.width") != nullptr);
  CHECK(schema.Find("size.width")->max == 65536.0);
  CHECK(schema.Find("size") == nullptr);
}

}  // namespace
}  // namespace millrace
