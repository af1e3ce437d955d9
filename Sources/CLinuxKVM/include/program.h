#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

// Starts the program `path`, which ends with the calling thread at the latest: input from /dev/null, output and errors into
// `errors`, the `count` descriptors in `kept` open as they are. Without huge pages none of its memory becomes any, as far as
// that is transparent. Its process id, or -errno; a program that cannot be executed ends with status 127.
static inline int pv_start_program(const char *path, char *const arguments[], const int *kept, int count, int errors,
                                   int without_huge_pages) {
  extern char **environ;
  pid_t parent = getpid(), child = fork();
  if (child != 0) return child < 0 ? -errno : child;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) _exit(126);
  if (without_huge_pages && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0) _exit(126);
  for (int index = 0; index < count; index++) fcntl(kept[index], F_SETFD, 0);
  int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(errors, 1) < 0 || dup2(errors, 2) < 0) _exit(126);
  execve(path, arguments, environ);
  _exit(127);
}
