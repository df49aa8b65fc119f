#include "common/os/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace millrace {
namespace {

// "/a/b" → "/a/b", "/a", "": a quota anywhere above counts. Inside a container without a cgroup
// namespace the path is the host's while the mount shows the container's own group at its root; the
// last entry covers that.
std::vector<std::string> WithAncestors(std::string path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    if (path != "/") out.push_back(path);
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  out.emplace_back();
  return out;
}

std::optional<double> ReadNumber(const FileReader& read, const std::string& path) {
  const auto text = read(path);
  if (!text) return std::nullopt;
  std::istringstream in(*text);
  double value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

// cpu.max is "max 100000" or "150000 100000", in microseconds.
std::optional<double> QuotaV2(const FileReader& read, const std::string& group) {
  const auto text = read("/sys/fs/cgroup" + group + "/cpu.max");
  if (!text) return std::nullopt;
  std::istringstream in(*text);
  double quota = 0;
  double period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<double> QuotaV1(const FileReader& read, const std::string& group) {
  for (const char* mount : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    const std::string base = mount + group;
    const auto quota = ReadNumber(read, base + "/cpu.cfs_quota_us");
    const auto period = ReadNumber(read, base + "/cpu.cfs_period_us");
    if (quota && period && *quota > 0 && *period > 0) return *quota / *period;
  }
  return std::nullopt;
}

// /proc/self/cgroup: lines "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1).
std::optional<double> Quota(const FileReader& read) {
  std::optional<double> least;
  const auto consider = [&](std::optional<double> quota) {
    if (quota && (!least || *quota < *least)) least = quota;
  };
  std::istringstream lines(read("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool unified = controllers == ",,";
    if (!unified && controllers.find(",cpu,") == std::string::npos) continue;
    for (const std::string& group : WithAncestors(line.substr(second + 1))) {
      consider(unified ? QuotaV2(read, group) : QuotaV1(read, group));
    }
  }
  return least;
}

int AffinityCores() {
  // The mask's size is the kernel's, not glibc's 1024: grow until it fits.
  for (int cores = 1024; cores <= 1 << 20; cores *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cores));
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(cores));
    const bool fits = sched_getaffinity(0, size, set) == 0;
    const int count = fits ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (fits) return std::max(count, 1);
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

std::optional<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

int UsableCores() { return UsableCores(AffinityCores(), ReadSmallFile); }

int UsableCores(int affinity, const FileReader& read) {
  const auto quota = Quota(read);
  const int allowed = std::max(affinity, 1);
  if (!quota || *quota >= allowed) return allowed;
  return std::max(1, static_cast<int>(std::ceil(*quota)));
}

}  // namespace millrace
