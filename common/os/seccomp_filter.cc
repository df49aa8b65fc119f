#include "common/os/seccomp_filter.h"

#if defined(__x86_64__) || defined(__aarch64__)

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace millrace {
namespace {

#ifdef __x86_64__
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

using Number = std::uint32_t;  // of a system call

// set_mempolicy_home_node, the last call of Linux 6.1: what came later is as if there were none of
// it, and libraries take the older call. Numbers this high are the same on every processor; those
// of x32, on x86-64, are higher still.
constexpr Number kNewest = 450;

// What reading files, decoding, threads and the links to the broker use, whatever the arguments.
// Which calls a library makes differs by its version: a list that is too short shows as a decoder
// that fails, with EPERM, on a newer system, so what is harmless and plausible is in it.
constexpr Number kAllowed[] = {
    // Memory.
    __NR_brk,
    __NR_ftruncate,  // of memory that has a descriptor; no file is open for writing
    __NR_madvise,
    __NR_membarrier,
    __NR_memfd_create,
    __NR_mincore,
    __NR_mlock,
    __NR_mmap,
    __NR_mprotect,
    __NR_mremap,
    __NR_munlock,
    __NR_munmap,
    __NR_get_mempolicy,
    __NR_mbind,
    __NR_set_mempolicy,
    // Threads, and what a thread knows of itself.
    __NR_exit,
    __NR_exit_group,
    __NR_futex,
    __NR_get_robust_list,
    __NR_getcpu,
    __NR_getpriority,
    __NR_gettid,
    __NR_restart_syscall,
    __NR_rseq,
    __NR_sched_get_priority_max,
    __NR_sched_get_priority_min,
    __NR_sched_getaffinity,
    __NR_sched_getparam,
    __NR_sched_getscheduler,
    __NR_sched_setaffinity,
    __NR_sched_setscheduler,  // libzmq sets the policy of its threads, to the default
    __NR_sched_yield,
    __NR_set_robust_list,
    __NR_set_tid_address,
    __NR_setpriority,
    // Who and where this process is.
    __NR_capget,
    __NR_getcwd,
    __NR_getegid,
    __NR_geteuid,
    __NR_getgid,
    __NR_getgroups,
    __NR_getpgid,
    __NR_getpid,
    __NR_getppid,
    __NR_getrandom,
    __NR_getresgid,
    __NR_getresuid,
    __NR_getrusage,
    __NR_getsid,
    __NR_getuid,
    __NR_prctl,
    __NR_seccomp,  // which can only take away
    __NR_sysinfo,
    __NR_times,
    __NR_umask,
    __NR_uname,
    // Clocks.
    __NR_clock_getres,
    __NR_clock_gettime,
    __NR_clock_nanosleep,
    __NR_gettimeofday,
    __NR_nanosleep,
    __NR_timer_create,
    __NR_timer_delete,
    __NR_timer_settime,
    __NR_timerfd_create,
    __NR_timerfd_gettime,
    __NR_timerfd_settime,
    // Signals to oneself.
    __NR_rt_sigaction,
    __NR_rt_sigpending,
    __NR_rt_sigprocmask,
    __NR_rt_sigreturn,
    __NR_rt_sigsuspend,
    __NR_rt_sigtimedwait,
    __NR_sigaltstack,
    __NR_signalfd4,
    // Reading; and writing to what is open for it already: stderr, eventfds, the broker's sockets.
    __NR_close,
    __NR_close_range,
    __NR_copy_file_range,
    __NR_dup,
    __NR_dup3,
    __NR_faccessat,
    __NR_faccessat2,
    __NR_fadvise64,
    __NR_fchdir,
    __NR_flock,
    __NR_fstat,
    __NR_fstatfs,
    __NR_getdents64,
    __NR_lseek,
    __NR_newfstatat,
    __NR_pread64,
    __NR_preadv,
    __NR_preadv2,
    __NR_read,
    __NR_readahead,
    __NR_readlinkat,
    __NR_readv,
    __NR_sendfile,
    __NR_statfs,
    __NR_statx,
    __NR_write,
    __NR_writev,
    // Waiting for descriptors.
    __NR_epoll_create1,
    __NR_epoll_ctl,
    __NR_epoll_pwait,
    __NR_epoll_pwait2,
    __NR_eventfd2,
    __NR_pipe2,
    __NR_ppoll,
    __NR_pselect6,
    // The links to the broker. Nothing listens.
    __NR_bind,
    __NR_connect,
    __NR_getpeername,
    __NR_getsockname,
    __NR_getsockopt,
    __NR_recvfrom,
    __NR_recvmmsg,
    __NR_recvmsg,
    __NR_sendmmsg,
    __NR_sendmsg,
    __NR_sendto,
    __NR_setsockopt,
    __NR_shutdown,
    __NR_socket,
    __NR_socketpair,
#ifdef __x86_64__  // which has older forms of some, too
    __NR_access,
    __NR_alarm,
    __NR_arch_prctl,
    __NR_dup2,
    __NR_epoll_create,
    __NR_epoll_wait,
    __NR_eventfd,
    __NR_getdents,
    __NR_getpgrp,
    __NR_getrlimit,
    __NR_lstat,
    __NR_pause,
    __NR_pipe,
    __NR_poll,
    __NR_readlink,
    __NR_select,
    __NR_stat,
    __NR_time,
#else
    __NR_getrlimit,
#endif
};

constexpr Number kUnseen[] = {__NR_clone3, __NR_openat2};

constexpr Number kNetwork[] = {__NR_socket,  __NR_socketpair, __NR_connect,  __NR_bind,
                               __NR_sendto,  __NR_sendmsg,    __NR_sendmmsg, __NR_recvfrom,
                               __NR_recvmsg, __NR_recvmmsg};

// Not those that say whom a descriptor's signals go to.
constexpr std::uint32_t kDescriptorCommands[] = {
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,      F_SETFL,     F_GETLK,
    F_SETLK, F_SETLKW,        F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ};
// What a descriptor is, and whether it blocks; nothing that puts input into a terminal.
constexpr std::uint32_t kDeviceCommands[] = {FIONBIO, FIONREAD, FIOCLEX, TCGETS, TIOCGWINSZ};

constexpr std::uint32_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t kAllBits = ~std::uint32_t{0};

// A program in the making. Between its rules the number of the call is in the accumulator; a rule
// that takes a call ends the program for it.
class Program {
 public:
  Program() {
    Load(offsetof(seccomp_data, arch));
    Compare(kArchitecture, 1, 0);
    Refuse(EPERM);
    Load(offsetof(seccomp_data, nr));
  }

  void Allow(std::span<const Number> calls) {
    for (const Number call : calls) {
      Compare(call, 0, 1);
      Allow();
    }
  }
  // Allowed where argument & mask == value, refused otherwise. The lower half of an argument is
  // looked at: all of these are ints and flags, of which the kernel takes no more.
  void AllowIf(Number call, int argument, std::uint32_t mask, std::uint32_t value) {
    Compare(call, 0, 5);
    LoadArgument(argument);
    code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    Compare(value, 0, 1);
    Allow();
    Refuse(EPERM);
  }
  // Allowed with one of these values of the argument, refused with any other.
  void AllowOnly(Number call, int argument, std::span<const std::uint32_t> values) {
    Compare(call, 0, static_cast<std::uint8_t>(2 + 2 * values.size()));
    LoadArgument(argument);
    for (const std::uint32_t value : values) {
      Compare(value, 0, 1);
      Allow();
    }
    Refuse(EPERM);
  }
  void Forbid(std::span<const Number> calls, int error) {
    for (const Number call : calls) {
      Compare(call, 0, 1);
      Refuse(error);
    }
  }
  void ForbidNewerThan(Number newest) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1));
    Refuse(ENOSYS);
  }
  // What no rule has taken.
  std::vector<sock_filter> ElseRefuse(int error) && {
    Refuse(error);
    return std::move(code_);
  }
  std::vector<sock_filter> ElseAllow() && {
    Allow();
    return std::move(code_);
  }

 private:
  void Load(std::size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void LoadArgument(int index) {
    static_assert(std::endian::native == std::endian::little);
    Load(offsetof(seccomp_data, args) + static_cast<std::size_t>(index) * sizeof(std::uint64_t));
  }
  // Skips so many instructions where the accumulator is `value`, and so many where it is not.
  void Compare(std::uint32_t value, std::uint8_t equal, std::uint8_t other) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, equal, other));
  }
  void Allow() { code_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)); }
  void Refuse(int error) {
    code_.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
  }

  std::vector<sock_filter> code_;
};

}  // namespace

std::vector<sock_filter> ProcessFilter(pid_t self) {
  const auto pid = static_cast<std::uint32_t>(self);
  Program program;
  program.Allow(kAllowed);
  program.AllowIf(__NR_openat, 2, kWriting, 0);
#ifdef __NR_open
  program.AllowIf(__NR_open, 1, kWriting, 0);
#endif
  program.AllowIf(__NR_clone, 0, CLONE_THREAD | kNamespaces, CLONE_THREAD);
  // abort() and pthread_kill() are signals to oneself.
  program.AllowIf(__NR_kill, 0, kAllBits, pid);
  program.AllowIf(__NR_tgkill, 0, kAllBits, pid);
  program.AllowIf(__NR_rt_sigqueueinfo, 0, kAllBits, pid);
  program.AllowIf(__NR_rt_tgsigqueueinfo, 0, kAllBits, pid);
  program.AllowIf(__NR_prlimit64, 0, kAllBits, 0);
  program.AllowOnly(__NR_fcntl, 1, kDescriptorCommands);
  program.AllowOnly(__NR_ioctl, 1, kDeviceCommands);
  program.Forbid(kUnseen, ENOSYS);
  program.ForbidNewerThan(kNewest);
  return std::move(program).ElseRefuse(EPERM);
}

std::vector<sock_filter> ThreadFilter() {
  Program program;
  program.Forbid(kNetwork, EPERM);
  return std::move(program).ElseAllow();
}

}  // namespace millrace

#else

namespace millrace {

std::vector<sock_filter> ProcessFilter(pid_t /*self*/) { return {}; }
std::vector<sock_filter> ThreadFilter() { return {}; }

}  // namespace millrace

#endif
