// Preloaded into a process: from the N-th call on, writing and syncing files whose path contains a
// given text fails with EIO, as on a disk that dies.
//
//   MILLRACE_FAULT_PATH=state.db-wal MILLRACE_FAULT_AFTER=30 [MILLRACE_FAULT_PROGRAM=millrace-broker]
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int Fails(int fd) {
  static atomic_long calls;
  const char* path = getenv("MILLRACE_FAULT_PATH");
  const char* after = getenv("MILLRACE_FAULT_AFTER");
  const char* program = getenv("MILLRACE_FAULT_PROGRAM");
  if (path == NULL || after == NULL) return 0;
  if (program != NULL && strcmp(program, program_invocation_short_name) != 0) return 0;
  char link[64];
  char name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, name, sizeof name - 1);
  if (size <= 0) return 0;
  name[size] = '\0';
  return strstr(name, path) != NULL && atomic_fetch_add(&calls, 1) >= atol(after);
}

#define NEXT(type, name) type next = (type)dlsym(RTLD_NEXT, name)
#define FAIL_OR(call)      \
  if (Fails(fd)) {         \
    errno = EIO;           \
    return -1;             \
  }                        \
  return call

typedef ssize_t (*Write)(int, const void*, size_t);
typedef ssize_t (*Pwrite)(int, const void*, size_t, off_t);
typedef int (*Sync)(int);

ssize_t write(int fd, const void* data, size_t size) {
  NEXT(Write, "write");
  FAIL_OR(next(fd, data, size));
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  NEXT(Pwrite, "pwrite");
  FAIL_OR(next(fd, data, size, at));
}
ssize_t pwrite64(int fd, const void* data, size_t size, off_t at) {
  NEXT(Pwrite, "pwrite64");
  FAIL_OR(next(fd, data, size, at));
}
int fsync(int fd) {
  NEXT(Sync, "fsync");
  FAIL_OR(next(fd));
}
int fdatasync(int fd) {
  NEXT(Sync, "fdatasync");
  FAIL_OR(next(fd));
}
