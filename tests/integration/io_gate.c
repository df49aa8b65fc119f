// Preloaded into a process: while a file called GATE exists, whatever looks at or changes a path that
// contains one of the given texts waits, as on a network mount whose server is gone. The test removes
// the gate; no time is involved.
//
//   MILLRACE_GATE=/tmp/x/gate MILLRACE_GATE_PATHS=/out-a/:/out-b/.millrace/deleted
//   [MILLRACE_GATE_PROGRAM=millrace-broker]
//
// The first call that waits for a text makes GATE.reached.N, N being the text's number from 0.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void Pass(const char* path) {
  const char* gate = getenv("MILLRACE_GATE");
  const char* paths = getenv("MILLRACE_GATE_PATHS");
  const char* program = getenv("MILLRACE_GATE_PROGRAM");
  if (path == NULL || gate == NULL || paths == NULL) return;
  if (program != NULL && strcmp(program, program_invocation_short_name) != 0) return;
  for (int number = 0; *paths != '\0'; ++number) {
    const size_t size = strcspn(paths, ":");
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)size, paths);
    paths += size + (paths[size] == ':');
    if (strstr(path, text) == NULL) continue;
    if (syscall(SYS_faccessat, AT_FDCWD, gate, F_OK) != 0) return;
    char reached[4096];
    snprintf(reached, sizeof reached, "%s.reached.%d", gate, number);
    const long fd = syscall(SYS_openat, AT_FDCWD, reached, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) syscall(SYS_close, fd);
    while (syscall(SYS_faccessat, AT_FDCWD, gate, F_OK) == 0) usleep(2000);
    return;
  }
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int stat(const char* restrict path, struct stat* restrict status) {
  Pass(path);
  return NEXT(stat)(path, status);
}
int lstat(const char* restrict path, struct stat* restrict status) {
  Pass(path);
  return NEXT(lstat)(path, status);
}
int mkdir(const char* path, mode_t mode) {
  Pass(path);
  return NEXT(mkdir)(path, mode);
}
int unlink(const char* path) {
  Pass(path);
  return NEXT(unlink)(path);
}
int rename(const char* from, const char* to) {
  Pass(to);
  return NEXT(rename)(from, to);
}
FILE* fopen(const char* restrict path, const char* restrict mode) {
  Pass(path);
  return NEXT(fopen)(path, mode);
}
FILE* fopen64(const char* restrict path, const char* restrict mode) {
  Pass(path);
  return NEXT(fopen64)(path, mode);
}

#define MODE_OF(flags)                                \
  mode_t mode = 0;                                    \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {            \
    va_list rest;                                     \
    va_start(rest, flags);                            \
    mode = (mode_t)va_arg(rest, unsigned);            \
    va_end(rest);                                     \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags);
  Pass(path);
  return NEXT(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags);
  Pass(path);
  return NEXT(open64)(path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags);
  Pass(path);
  return NEXT(openat)(folder, path, flags, mode);
}
