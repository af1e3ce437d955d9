#pragma once
#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

// Binds [start, start + length) to the NUMA node `node`, pages touched already included: 0, or -errno. libnuma does the
// same, but the slim runner does not link it.
static inline int pv_mbind_node(void *start, unsigned long length, unsigned node) {
  unsigned long mask[16] = {0};
  const unsigned bits = 8 * sizeof mask[0];
  if (node >= 16 * bits) return -EINVAL;
  mask[node / bits] = 1UL << (node % bits);
  long result = syscall(SYS_mbind, start, length, MPOL_BIND, mask, 16UL * bits + 1, MPOL_MF_MOVE);
  return result < 0 ? -errno : 0;
}
