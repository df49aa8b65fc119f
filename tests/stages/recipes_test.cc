// The recipes of the stages that come with millrace, as version 0.1 wrote them into users' states.
// A test that fails here says: everything that users have done would be done again.
#include <doctest/doctest.h>

#include <string>

#include "common/base/sha256.h"
#include "common/stage/recipe.h"
#include "stages/builtin_options.h"

namespace millrace {
namespace {

std::string DefaultText(const std::string& stage) {
  const OptionSchema& schema = *BuiltinSchema(stage);
  return RecipeText("millrace-" + stage, schema, Options::Defaults(schema));
}

std::string DefaultDigest(const std::string& stage) {
  return Hex(RecipeDigest(DefaultText(stage), "").value());
}

TEST_CASE("no stage that comes with millrace has another recipe than in version 0.1") {
  CHECK(DefaultText("scanner") == "16:millrace-scanner\n");
  CHECK(DefaultText("preprocess") ==
        "19:millrace-preprocess\n"
        "max_bytes=10:1073741824\n"
        "max_pixels=9:256000000\n"
        "max_side=5:65536\n"
        "orientation=4:keep\n"
        "original=5:false\n"
        "pillow_order=2:13\n"
        "size.height=3:512\n"
        "size.width=3:512\n"
        "truncated=6:accept\n");
  CHECK(DefaultText("inference") ==
        "18:millrace-inference\n"
        "model=12:bisenet-face\n"
        "precision=4:fp32\n");
  CHECK(DefaultText("postprocess") ==
        "20:millrace-postprocess\n"
        "areas=5:false\n"
        "format=4:same\n"
        "keep=42:4:skin6:l_brow6:r_brow4:nose5:u_lip5:l_lip\n"
        "quality=2:75\n"
        "size=5:model\n"
        "what=8:6:masked\n");
  CHECK(DefaultText("inspect") ==
        "16:millrace-inspect\n"
        "level=6:decode\n"
        "max_bytes=9:268435456\n"
        "max_pixels=9:256000000\n"
        "max_side=5:65536\n");
}

TEST_CASE("the digests of these recipes are those of version 0.1") {
  CHECK(DefaultDigest("scanner") ==
        "6bb11a72f468a55b62394711b55301a5ce08989148f0a7c9b4cf2240eb44bb7b");
  CHECK(DefaultDigest("preprocess") ==
        "ef7b9c38152adedba97526c4e8cd352a2e5f78a7b4dc76675052ccbb0625b63b");
  CHECK(DefaultDigest("inference") ==
        "c1303b271fb5bbca5a4164a77e14bde8b174b58fd18bd6b952bb9661fce687de");
  CHECK(DefaultDigest("postprocess") ==
        "29b1f3223dc7c029b926e876becd9f96f364ec149746b4284870bdcbd5fd5a5b");
  CHECK(DefaultDigest("inspect") ==
        "a16d2c9c0edbcc09a818ffadf386a6f029eeeda9ce2895a258653ab3be810ffc");
}

}  // namespace
}  // namespace millrace
