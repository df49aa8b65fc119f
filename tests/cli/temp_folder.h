// A folder for one test, and small files in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/os/temp_dir.h"

namespace millrace::cli {

class TempFolder {
 public:
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return dir_.path() + "/" + name;
  }
  [[nodiscard]] const std::string& path() const { return dir_.path(); }

  // Writes a file, and the folders above it; returns its path.
  std::string Write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = *this / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

 private:
  TempDir dir_ = TempDir::Create().value();
};

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace millrace::cli
