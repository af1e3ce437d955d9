#pragma once
#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

// libnuma does the same as these, but the slim runner does not link it.

// Binds [start, start + length) to one NUMA node, or interleaves its pages over several; pages that were touched already are
// moved: 0, or -errno. Node numbers are below 1024.
static inline int pv_bind_memory(void *start, unsigned long length, const unsigned *nodes, unsigned long count) {
  unsigned long mask[16] = {0};
  const unsigned bits = 8 * sizeof mask[0];
  for (unsigned long index = 0; index < count; index++) {
    if (nodes[index] >= 16 * bits) return -EINVAL;
    mask[nodes[index] / bits] |= 1UL << (nodes[index] % bits);
  }
  int policy = count == 1 ? MPOL_BIND : MPOL_INTERLEAVE;
  long result = syscall(SYS_mbind, start, length, policy, mask, 16UL * bits + 1, MPOL_MF_MOVE);
  return result < 0 ? -errno : 0;
}

// Asks on which NUMA node each of `count` pages of this process is: its number, or -ENOENT for one that was never touched
// (move_pages(2) without nodes): 0, or -errno.
static inline int pv_page_nodes(void **pages, int *nodes, unsigned long count) {
  return syscall(SYS_move_pages, 0, count, pages, NULL, nodes, 0) < 0 ? -errno : 0;
}
