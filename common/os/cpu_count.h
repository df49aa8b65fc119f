// How many cores this process may use: what `auto` means in a topology.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace millrace {

// A small file's text; nullopt where it cannot be read. Tests give their own.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

// The whole text of a file of /proc or /sys.
std::optional<std::string> ReadSmallFile(const std::string& path);

// The lesser of the scheduler's affinity mask and the CPU quotas of the process's control groups
// (v2 cpu.max, v1 cpu.cfs_quota_us / cpu.cfs_period_us; its own group's and its ancestors'), a
// fraction of a core rounded up as the JVM and Go do. At least 1.
int UsableCores();

// The same with everything given; `affinity` is the number of cores in the mask.
int UsableCores(int affinity, const FileReader& read);

}  // namespace millrace
