#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

// vhost-net of the host's kernel, owned by this process: the descriptor, or -errno.
static inline int pv_vhost_net(void) {
  int descriptor = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

// The kernel thread that serves the rings works on the memory of whoever asks for this: 0, or -errno.
static inline int pv_vhost_own(int descriptor) { return ioctl(descriptor, VHOST_SET_OWNER) < 0 ? -errno : 0; }

// What the kernel offers: 0, or -errno.
static inline int pv_vhost_get_features(int descriptor, uint64_t *features) {
  return ioctl(descriptor, VHOST_GET_FEATURES, features) < 0 ? -errno : 0;
}

// What driver and device agreed on, as far as it is vhost's: 0, or -errno.
static inline int pv_vhost_set_features(int descriptor, uint64_t features) {
  return ioctl(descriptor, VHOST_SET_FEATURES, &features) < 0 ? -errno : 0;
}

// The one region of memory in which rings and buffers lie; whole pages: 0, or -errno.
static inline int pv_vhost_set_memory(int descriptor, uint64_t guest, uint64_t host, uint64_t length) {
  uint64_t room[(sizeof(struct vhost_memory) + sizeof(struct vhost_memory_region)) / sizeof(uint64_t)] = {0};
  struct vhost_memory *memory = (struct vhost_memory *)room;
  memory->nregions = 1;
  memory->regions[0] =
      (struct vhost_memory_region){.guest_phys_addr = guest, .memory_size = length, .userspace_addr = host};
  return ioctl(descriptor, VHOST_SET_MEM_TABLE, memory) < 0 ? -errno : 0;
}

// How many descriptors a ring has: 0, or -errno.
static inline int pv_vhost_set_size(int descriptor, uint32_t ring, uint32_t size) {
  struct vhost_vring_state state = {.index = ring, .num = size};
  return ioctl(descriptor, VHOST_SET_VRING_NUM, &state) < 0 ? -errno : 0;
}

// Where in the available ring to begin: 0, or -errno.
static inline int pv_vhost_set_base(int descriptor, uint32_t ring, uint32_t base) {
  struct vhost_vring_state state = {.index = ring, .num = base};
  return ioctl(descriptor, VHOST_SET_VRING_BASE, &state) < 0 ? -errno : 0;
}

// Where a ring's three areas are in this process: 0, or -errno.
static inline int pv_vhost_set_addresses(int descriptor, uint32_t ring, uint64_t descriptors, uint64_t available, uint64_t used) {
  struct vhost_vring_addr addresses = {
      .index = ring, .desc_user_addr = descriptors, .avail_user_addr = available, .used_user_addr = used};
  return ioctl(descriptor, VHOST_SET_VRING_ADDR, &addresses) < 0 ? -errno : 0;
}

// The eventfd by which the driver kicks a ring: 0, or -errno.
static inline int pv_vhost_set_kick(int descriptor, uint32_t ring, int event) {
  struct vhost_vring_file file = {.index = ring, .fd = event};
  return ioctl(descriptor, VHOST_SET_VRING_KICK, &file) < 0 ? -errno : 0;
}

// The eventfd by which vhost interrupts the driver: 0, or -errno. The one before is not signalled any more.
static inline int pv_vhost_set_call(int descriptor, uint32_t ring, int event) {
  struct vhost_vring_file file = {.index = ring, .fd = event};
  return ioctl(descriptor, VHOST_SET_VRING_CALL, &file) < 0 ? -errno : 0;
}

// The eventfd by which vhost says that it can make nothing of a ring: 0, or -errno.
static inline int pv_vhost_set_error(int descriptor, uint32_t ring, int event) {
  struct vhost_vring_file file = {.index = ring, .fd = event};
  return ioctl(descriptor, VHOST_SET_VRING_ERR, &file) < 0 ? -errno : 0;
}

// Ties a ring to a TAP interface; -1 unties it, and returns when nothing touches the ring any more. 0, or -errno.
static inline int pv_vhost_set_backend(int descriptor, uint32_t ring, int interface) {
  struct vhost_vring_file file = {.index = ring, .fd = interface};
  return ioctl(descriptor, VHOST_NET_SET_BACKEND, &file) < 0 ? -errno : 0;
}
