#include "common/os/cpu_count.h"

#include <doctest/doctest.h>

#include <map>

namespace millrace {
namespace {

FileReader Files(std::map<std::string, std::string> files) {
  return [files = std::move(files)](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST_CASE("without control groups the affinity mask counts") {
  CHECK(UsableCores(6, Files({})) == 6);
  CHECK(UsableCores(0, Files({})) == 1);
}

TEST_CASE("a version 2 quota limits the cores, rounded up, and never below one") {
  const auto with = [](const std::string& max) {
    return UsableCores(8, Files({{"/proc/self/cgroup", "0::/pod/box\n"},
                                 {"/sys/fs/cgroup/pod/box/cpu.max", max}}));
  };
  CHECK(with("200000 100000\n") == 2);
  CHECK(with("150000 100000\n") == 2);
  CHECK(with("10000 100000\n") == 1);
  CHECK(with("max 100000\n") == 8);
  CHECK(with("1600000 100000\n") == 8);
  CHECK(with("nonsense\n") == 8);
}

TEST_CASE("an ancestor's quota counts where it is tighter") {
  CHECK(UsableCores(8, Files({{"/proc/self/cgroup", "0::/pod/box\n"},
                              {"/sys/fs/cgroup/pod/box/cpu.max", "400000 100000"},
                              {"/sys/fs/cgroup/pod/cpu.max", "300000 100000"}})) == 3);
}

TEST_CASE("in a container whose group is the mount's root the quota is found there") {
  CHECK(UsableCores(8, Files({{"/proc/self/cgroup", "0::/\n"},
                              {"/sys/fs/cgroup/cpu.max", "250000 100000"}})) == 3);
  CHECK(UsableCores(8, Files({{"/proc/self/cgroup", "0::/docker/0123\n"},
                              {"/sys/fs/cgroup/cpu.max", "250000 100000"}})) == 3);
}

TEST_CASE("a version 1 quota limits the cores; -1 is none") {
  const auto with = [](const std::string& quota) {
    return UsableCores(8, Files({{"/proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n"},
                                 {"/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", quota},
                                 {"/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"}}));
  };
  CHECK(with("300000\n") == 3);
  CHECK(with("-1\n") == 8);
}

TEST_CASE("this machine has a core") { CHECK(UsableCores() >= 1); }

}  // namespace
}  // namespace millrace
