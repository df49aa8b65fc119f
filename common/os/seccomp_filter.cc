#include "common/os/seccomp_filter.h"

#if defined(__x86_64__) || defined(__aarch64__)

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
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

// set_mempolicy_home_node, the last call of Linux 6.1. Numbers this high are the same on every
// processor; those of x32, on x86-64, are higher still.
constexpr Number kNewest = 450;

constexpr Number kForbidden[] = {
    // Programs and processes.
    __NR_execve,
    __NR_execveat,
    __NR_unshare,
    __NR_setns,
    // Files. What is open for writing already (stderr, the broker's sockets) stays so.
    __NR_mkdirat,
    __NR_mknodat,
    __NR_unlinkat,
    __NR_renameat,
    __NR_renameat2,
    __NR_linkat,
    __NR_symlinkat,
    __NR_truncate,
    __NR_fchmod,
    __NR_fchmodat,
    __NR_fchown,
    __NR_fchownat,
    __NR_utimensat,
    __NR_setxattr,
    __NR_lsetxattr,
    __NR_fsetxattr,
    __NR_removexattr,
    __NR_lremovexattr,
    __NR_fremovexattr,
    __NR_open_by_handle_at,
    // Other processes: their memory, descriptors and signals, and what is shared with them.
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_process_madvise,
    __NR_process_mrelease,
    __NR_kcmp,
    __NR_pidfd_open,
    __NR_pidfd_getfd,
    __NR_pidfd_send_signal,
    __NR_tkill,
    __NR_move_pages,
    __NR_migrate_pages,
    __NR_shmget,
    __NR_shmat,
    __NR_shmctl,
    __NR_msgget,
    __NR_msgsnd,
    __NR_msgrcv,
    __NR_msgctl,
    __NR_semget,
    __NR_semop,
    __NR_semtimedop,
    __NR_semctl,
    __NR_mq_open,
    __NR_mq_unlink,
    // Ways around a filter, and parts of the kernel that decoding has no use for.
    __NR_io_uring_setup,
    __NR_io_uring_enter,
    __NR_io_uring_register,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_fanotify_init,
    __NR_keyctl,
    __NR_add_key,
    __NR_request_key,
    // The machine, all of which root may change.
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_open_tree,
    __NR_move_mount,
    __NR_fsopen,
    __NR_fsconfig,
    __NR_fsmount,
    __NR_fspick,
    __NR_mount_setattr,
    __NR_swapon,
    __NR_swapoff,
    __NR_quotactl,
    __NR_quotactl_fd,
    __NR_acct,
    __NR_syslog,
    __NR_reboot,
    __NR_kexec_load,
    __NR_kexec_file_load,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_clock_adjtime,
    __NR_adjtimex,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_vhangup,
    __NR_personality,
    // Being connected to. Connecting is what the links to the broker do.
    __NR_listen,
    __NR_accept,
    __NR_accept4,
#ifdef __x86_64__  // which has older forms of some, too
    __NR_fork,
    __NR_vfork,
    __NR_creat,
    __NR_mkdir,
    __NR_mknod,
    __NR_unlink,
    __NR_rmdir,
    __NR_rename,
    __NR_link,
    __NR_symlink,
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
    __NR_ioperm,
    __NR_iopl,
    __NR_modify_ldt,
#endif
};

constexpr Number kUnseen[] = {__NR_clone3, __NR_openat2};

constexpr Number kNetwork[] = {__NR_socket,  __NR_socketpair, __NR_connect,  __NR_bind,
                               __NR_sendto,  __NR_sendmsg,    __NR_sendmmsg, __NR_recvfrom,
                               __NR_recvmsg, __NR_recvmmsg};

constexpr std::uint32_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t kAllBits = ~std::uint32_t{0};

// A program in the making. Between its rules the number of the call is in the accumulator.
class Program {
 public:
  Program() {
    Load(offsetof(seccomp_data, arch));
    Compare(kArchitecture, 1, 0);
    Refuse(EPERM);
    Load(offsetof(seccomp_data, nr));
  }

  void ForbidNewerThan(Number newest) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1));
    Refuse(ENOSYS);
  }
  void Forbid(std::span<const Number> calls, int error) {
    for (const Number call : calls) {
      Compare(call, 0, 1);
      Refuse(error);
    }
  }
  // The call is refused unless argument & mask == value. The lower half of an argument is looked
  // at: all of these are ints and flags, of which the kernel takes no more.
  void Require(Number call, int argument, std::uint32_t mask, std::uint32_t value) {
    Compare(call, 0, 5);
    LoadArgument(argument);
    code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    Compare(value, 1, 0);
    Refuse(EPERM);
    Load(offsetof(seccomp_data, nr));
  }
  void Forbid(Number call, int argument, std::uint32_t value) {
    Compare(call, 0, 4);
    LoadArgument(argument);
    Compare(value, 0, 1);
    Refuse(EPERM);
    Load(offsetof(seccomp_data, nr));
  }
  // Everything else is allowed.
  std::vector<sock_filter> End() && {
    code_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
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
  program.ForbidNewerThan(kNewest);
  program.Forbid(kUnseen, ENOSYS);
  program.Forbid(kForbidden, EPERM);
  program.Require(__NR_openat, 2, kWriting, 0);
#ifdef __NR_open
  program.Require(__NR_open, 1, kWriting, 0);
#endif
  program.Require(__NR_clone, 0, CLONE_THREAD | kNamespaces, CLONE_THREAD);
  // abort() and pthread_kill() are signals to oneself.
  program.Require(__NR_kill, 0, kAllBits, pid);
  program.Require(__NR_tgkill, 0, kAllBits, pid);
  program.Require(__NR_rt_sigqueueinfo, 0, kAllBits, pid);
  program.Require(__NR_rt_tgsigqueueinfo, 0, kAllBits, pid);
  program.Require(__NR_prlimit64, 0, kAllBits, 0);
  // Whom a descriptor's signals go to.
  program.Forbid(__NR_fcntl, 1, F_SETOWN);
  program.Forbid(__NR_fcntl, 1, F_SETOWN_EX);
  program.Forbid(__NR_ioctl, 1, FIOSETOWN);
  program.Forbid(__NR_ioctl, 1, SIOCSPGRP);
  // Input put into the terminal that millrace was started from.
  program.Forbid(__NR_ioctl, 1, TIOCSTI);
  program.Forbid(__NR_ioctl, 1, TIOCLINUX);
  return std::move(program).End();
}

std::vector<sock_filter> ThreadFilter() {
  Program program;
  program.Forbid(kNetwork, EPERM);
  return std::move(program).End();
}

}  // namespace millrace

#else

namespace millrace {

std::vector<sock_filter> ProcessFilter(pid_t /*self*/) { return {}; }
std::vector<sock_filter> ThreadFilter() { return {}; }

}  // namespace millrace

#endif
