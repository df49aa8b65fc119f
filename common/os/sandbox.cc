#include "common/os/sandbox.h"

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "common/os/seccomp_filter.h"
#include "common/os/unique_fd.h"

namespace millrace {
namespace {

// Rights by the Landlock ABI that brought them; Debian 12's header ends at ABI 2. A right that a
// kernel does not know would be an error.
constexpr std::uint64_t kWritingFirst =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t kReferSecond = 1ULL << 13;    // to rename or link between folders
constexpr std::uint64_t kTruncateThird = 1ULL << 14;  // truncate(2)

Error Refused(const std::string& what) {
  return {ErrorCode::kUsage, "cannot enter the sandbox: " + what +
                                 "; allow it where this runs, or write sandbox: false"};
}

// The ABI; 0 where there is no Landlock.
Result<int> RestrictFiles() {
  const auto abi = static_cast<int>(
      syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
  if (abi <= 0) return 0;
  // What a ruleset handles is denied unless a rule allows it, and there is no rule. Reading is not
  // handled.
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = kWritingFirst;
  if (abi >= 2) rules.handled_access_fs |= kReferSecond;
  if (abi >= 3) rules.handled_access_fs |= kTruncateThird;
  const UniqueFd ruleset(
      static_cast<int>(syscall(__NR_landlock_create_ruleset, &rules, sizeof rules, 0)));
  if (!ruleset.valid() || syscall(__NR_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return Fail(Refused("Landlock ABI " + std::to_string(abi) + " fails: " + ErrnoText(errno)));
  }
  return abi;
}

Result<void> Install(std::vector<sock_filter> filter, unsigned int flags) {
  if (filter.empty()) return Fail(Refused("no filter is written for this kind of processor"));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const long installed = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (installed == 0) return {};
  return Fail(Refused(installed > 0 ? "a thread has a seccomp filter of its own"
                                    : "no seccomp filter is to be had here: " + ErrnoText(errno)));
}

}  // namespace

std::string Sandbox::Text() const {
  if (landlock_abi == 0) return "seccomp alone, the kernel has no Landlock";
  return "seccomp and Landlock ABI " + std::to_string(landlock_abi);
}

Result<Sandbox> EnterSandbox() {
  // What both ask of somebody who is not root; nothing that this process starts could gain from it.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Fail(Refused("no_new_privs cannot be set: " + ErrnoText(errno)));
  }
  Sandbox sandbox;
  ASSIGN_OR_RETURN(sandbox.landlock_abi, RestrictFiles());
  RETURN_IF_ERROR(Install(ProcessFilter(getpid()), SECCOMP_FILTER_FLAG_TSYNC));
  RETURN_IF_ERROR(Install(ThreadFilter(), 0));
  return sandbox;
}

}  // namespace millrace
