// Reads what make_references.py wrote.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

namespace millrace {

inline const std::string kFolder = std::string(MILLRACE_TEST_DATA) + "/";

template <typename T>
std::vector<T> ReadRaw(const std::string& name) {
  std::ifstream in(kFolder + name, std::ios::binary | std::ios::ate);
  CAPTURE(name);
  REQUIRE(in.is_open());
  std::vector<T> values(static_cast<std::size_t>(in.tellg()) / sizeof(T));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(values.data()),
          static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

}  // namespace millrace
