#include "broker/key_set.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;

TEST_CASE("a key is new once") {
  KeySet keys;
  for (int i = 0; i < 10'000; ++i) CHECK(keys.Insert("k" + std::to_string(i)));
  for (int i = 0; i < 10'000; ++i) CHECK_FALSE(keys.Insert("k" + std::to_string(i)));
  CHECK(keys.size() == 10'000);
}

TEST_CASE("the empty key and keys with zeros are keys like others") {
  KeySet keys;
  CHECK(keys.Insert(""));
  CHECK_FALSE(keys.Insert(""));
  CHECK(keys.Insert(std::string("\0", 1)));
  CHECK(keys.Insert(std::string("\0\0", 2)));
}

TEST_CASE("a cleared set has seen nothing") {
  KeySet keys;
  keys.Insert("a");
  keys.Clear();
  CHECK(keys.size() == 0);
  CHECK(keys.Insert("a"));
}
