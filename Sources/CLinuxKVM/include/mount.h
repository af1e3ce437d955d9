#pragma once
#include <errno.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

// A file system of `type` mounted nowhere (Linux 5.2): a descriptor to openat(2) from, or -errno. Nobody else can see it,
// and it is gone when the descriptor is closed.
static inline int pv_detached_mount(const char *type) {
  long context = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0) return -errno;
  long result = syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0L, 0L, 0L);
  if (result >= 0) result = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
  int saved = errno;
  close((int)context);
  return result < 0 ? -saved : (int)result;
}
