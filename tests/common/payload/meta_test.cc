#include "common/payload/meta.h"

#include <doctest/doctest.h>

using namespace millrace;

TEST_CASE("meta survives its encoding, file names that are no UTF-8 included") {
  Meta meta;
  meta.Set("width", std::int64_t{640});
  meta.Set("shift", std::int64_t{-3});
  meta.Set("scale", 0.5);
  meta.Set("sound", true);
  meta.Set("list", std::string("caf\xe9.txt"));
  const Result<Meta> read = Meta::Decode(meta.Encode());
  REQUIRE(read);
  CHECK(*read == meta);
  CHECK(read->Integer("width", 0) == 640);
  CHECK(read->Text("list") == "caf\xe9.txt");
}

TEST_CASE("equal metas have equal bytes, whatever order they were filled in") {
  Meta forwards, backwards;
  forwards.Set("bytes", std::int64_t{1});
  forwards.Set("unnamed", true);
  backwards.Set("unnamed", true);
  backwards.Set("bytes", std::int64_t{2});
  backwards.Set("bytes", std::int64_t{1});
  CHECK(forwards.Encode() == backwards.Encode());
}

TEST_CASE("a number of a whole value stays a number, however large") {
  Meta meta;
  meta.Set("ratio", 2.0);
  meta.Set("vast", 1.6e19);
  meta.Set("below", -1.6e19);
  const Result<Meta> read = Meta::Decode(meta.Encode());
  REQUIRE(read);
  CHECK(*read == meta);
}

TEST_CASE("a value of another type reads as the fallback") {
  Meta meta;
  meta.Set("width", std::string("wide"));
  CHECK(meta.Integer("width", 7) == 7);
  CHECK(meta.Bool("missing", true));
}

TEST_CASE("empty meta is empty bytes") {
  CHECK(Meta().Encode().empty());
  CHECK(Meta::Decode("")->empty());
}

TEST_CASE("bytes that are no meta are refused") {
  CHECK_FALSE(Meta::Decode("\xc1"));
  CHECK_FALSE(Meta::Decode("\x93\x01\x02\x03"));      // an array
  CHECK_FALSE(Meta::Decode("\xdf\xff\xff\xff\xff"));  // a map of four billion
  CHECK_FALSE(Meta::Decode("\x81\x01\x02"));          // a key that is a number
  CHECK_FALSE(Meta::Decode(std::string(kMaxMetaBytes + 1, '\x80')));
}
