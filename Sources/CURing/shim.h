// liburing, and the few calls of a raw disk that Swift's Glibc cannot name because they are GNU extensions or macros.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <linux/stat.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// O_DIRECT, without the GNU extensions that would declare it.
static const int pv_o_direct = __O_DIRECT;

// Punch a hole: the bytes read as zero afterwards, the size stays.
static const int pv_punch_hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

// RWF_DSYNC: a write that is durable when it completes.
static const int pv_write_through = 0x2;

// Reads from the page cache without waiting for the disk (preadv2(2), RWF_NOWAIT): the bytes read, which may be fewer than
// asked for, or -errno; -EAGAIN where nothing is cached.
static inline int64_t pv_read_cached(int descriptor, const struct iovec *buffers, int count, uint64_t offset) {
  const long result = syscall(SYS_preadv2, descriptor, buffers, (long)count, (long)offset, 0L, 0x8L);
  return result < 0 ? -errno : result;
}

// fallocate(2): 0, or -errno.
static inline int pv_fallocate(int descriptor, int mode, int64_t offset, int64_t count) {
  return syscall(SYS_fallocate, descriptor, mode, offset, count) < 0 ? -errno : 0;
}

// The size in bytes of the block device behind `descriptor` (BLKGETSIZE64 of <linux/fs.h>, which collides with
// <sys/mount.h> in glibc 2.36): 0, or -errno.
static inline int pv_block_device_size(int descriptor, uint64_t *size) {
  return ioctl(descriptor, _IOR(0x12, 114, size_t), size) < 0 ? -errno : 0;
}

// What direct I/O on `descriptor` must be aligned to (statx(2), STATX_DIOALIGN, Linux 6.1): 0 and both values in bytes, or
// -errno. Both are 0 where the kernel does not say.
static inline int pv_direct_alignment(int descriptor, uint32_t *memory, uint32_t *offset) {
  struct statx status;
  memset(&status, 0, sizeof status);
  if (syscall(SYS_statx, descriptor, "", 0x1000 /* AT_EMPTY_PATH */, STATX_DIOALIGN, &status) < 0) return -errno;
  *memory = status.stx_mask & STATX_DIOALIGN ? status.stx_dio_mem_align : 0;
  *offset = status.stx_mask & STATX_DIOALIGN ? status.stx_dio_offset_align : 0;
  return 0;
}

// Enables a ring that was made with IORING_SETUP_R_DISABLED and makes the caller its single issuer: 0, or -errno.
// (io_uring_enable_rings is declared, but not exported, by the shared liburing 2.3.)
static inline int pv_ring_enable(struct io_uring *ring) {
  return syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, (void *)0, 0) < 0 ? -errno : 0;
}

// Makes `descriptor` file 0 of a ring, which spares the kernel to look it up for every request: 0, or -errno.
static inline int pv_ring_register_file(struct io_uring *ring, int descriptor) {
  return syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES, &descriptor, 1) < 0 ? -errno : 0;
}

// Makes an entry's descriptor the number of a registered file.
static inline void pv_use_registered_file(struct io_uring_sqe *entry) {
  entry->fd = 0;
  entry->flags |= IOSQE_FIXED_FILE;
}
