// A folder for one test, with short ways to fill it; removed with all that is in it.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace millrace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "millrace-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    // Tests that give up their rights must still reach it.
    REQUIRE(chmod(path_.c_str(), 0755) == 0);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string At(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  void Folder(std::string_view name) const { std::filesystem::create_directories(At(name)); }
  void File(std::string_view name, std::string_view bytes) const {
    std::filesystem::create_directories(std::filesystem::path(At(name)).parent_path());
    std::ofstream file(At(name), std::ios::binary);
    file << bytes;
    REQUIRE(file.good());
  }
  void Link(std::string_view name, const std::string& target) const {
    REQUIRE(symlink(target.c_str(), At(name).c_str()) == 0);
  }
  [[nodiscard]] std::string Read(std::string_view name) const {
    std::ifstream file(At(name), std::ios::binary);
    REQUIRE_MESSAGE(file.good(), At(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] bool Has(std::string_view name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(At(name)));
  }

 private:
  std::string path_;
};

// Root may read anything: where the test runs as root, it becomes nobody meanwhile.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : was_root_(geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (was_root_) REQUIRE(seteuid(kNobody) == 0);
  }
  ~WithoutPrivileges() {
    if (was_root_ && seteuid(0) != 0) std::abort();
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;

 private:
  const bool was_root_;
};

}  // namespace millrace
