#pragma once
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/if_tun.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

// Puts the calling thread, and the threads that it starts, into a new network namespace: 0, or -errno. By system call: the
// library's wrapper wants _GNU_SOURCE, which Swift's importer does not have.
static inline int pv_unshare_network(void) { return syscall(SYS_unshare, 0x40000000 /* CLONE_NEWNET */) < 0 ? -errno : 0; }

// Puts the calling thread, and the threads and processes that it starts, into the network namespace of this descriptor: 0, or -errno.
static inline int pv_enter_network(int descriptor) {
  return syscall(SYS_setns, descriptor, 0x40000000 /* CLONE_NEWNET */) < 0 ? -errno : 0;
}

// A non-blocking timer on CLOCK_MONOTONIC, or -errno.
static inline int pv_timerfd(void) {
  int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

// Arms the timer for one moment; an earlier expiry is forgotten. 0, or -errno.
static inline int pv_timerfd_set(int descriptor, uint64_t seconds, uint64_t nanoseconds) {
  struct itimerspec when = {.it_value = {.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds}};
  if (seconds == 0 && nanoseconds == 0) when.it_value.tv_nsec = 1;  // 0 would disarm it
  return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &when, NULL) < 0 ? -errno : 0;
}

// Whether the descriptor is a socket that keeps messages apart and connected.
static inline int pv_socket_is_seqpacket(int descriptor) {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

// Sends one message of `count` parts without waiting: its length, or -errno.
static inline long pv_send_parts(int descriptor, struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t sent = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

// Receives one message into `count` parts without waiting: its whole length, however much room there was, 0 where the
// other end is gone, or -errno.
static inline long pv_receive_parts(int descriptor, struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t received = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_TRUNC);
  return received < 0 ? -errno : received;
}

// A non-blocking TAP interface called `name` with a 12-byte virtio-net header before every frame, which is gone when the
// descriptor is closed: the descriptor, or -errno.
static inline int pv_tap(const char *name) {
  int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int header = 12;
  if (ioctl(descriptor, TUNSETIFF, &request) < 0 || ioctl(descriptor, TUNSETVNETHDRSZ, &header) < 0 ||
      ioctl(descriptor, TUNSETOFFLOAD, 0) < 0) {
    int code = errno;
    close(descriptor);
    return -code;
  }
  return descriptor;
}

// Whether a TAP interface takes UDP datagrams before segmentation (Linux 6.2 and newer): a kernel that can give them, of
// which nothing is asked here, can take them.
static inline int pv_tap_segments_datagrams(int descriptor) {
  unsigned long offload = TUN_F_CSUM | 0x20 /* TUN_F_USO4 */ | 0x40 /* TUN_F_USO6 */;
  int can = ioctl(descriptor, TUNSETOFFLOAD, offload) == 0;
  return ioctl(descriptor, TUNSETOFFLOAD, 0UL) == 0 && can;
}

// Switches an interface on: 0, or -errno.
static inline int pv_interface_up(const char *name) {
  int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0) return -errno;
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int result = ioctl(control, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP;
  if (result == 0) result = ioctl(control, SIOCSIFFLAGS, &request);
  int code = errno;
  close(control);
  return result < 0 ? -code : 0;
}

// Gives an interface its IPv4 address and the length of its network's prefix (1 to 32): 0, or -errno.
static inline int pv_interface_address(const char *name, uint32_t address, int prefix) {
  int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0) return -errno;
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  struct sockaddr_in value = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
  memcpy(&request.ifr_addr, &value, sizeof value);
  int result = ioctl(control, SIOCSIFADDR, &request);
  if (result == 0) {
    value.sin_addr.s_addr = htonl(~0u << (32 - prefix));
    memcpy(&request.ifr_netmask, &value, sizeof value);
    result = ioctl(control, SIOCSIFNETMASK, &request);
  }
  int code = errno;
  close(control);
  return result < 0 ? -code : 0;
}

// A non-blocking UDP socket on this address and port with room for `buffer` bytes in either direction, also where that is
// more than the host allows everyone. Datagrams that came before segmentation are given as they came, where the host can
// (UDP_GRO). The descriptor, or -errno.
static inline int pv_udp_socket(uint32_t address, uint16_t port, int buffer) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  int whole = 1;
  setsockopt(descriptor, IPPROTO_UDP, 104 /* UDP_GRO */, &whole, sizeof whole);
  struct sockaddr_in name = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
  if (bind(descriptor, (struct sockaddr *)&name, sizeof name) < 0) {
    int code = errno;
    close(descriptor);
    return -code;
  }
  return descriptor;
}

// Datagrams that the socket had no room for (SO_MEMINFO, SK_MEMINFO_DROPS).
static inline uint32_t pv_socket_drops(int descriptor) {
  uint32_t info[9] = {0};
  socklen_t length = sizeof info;
  return getsockopt(descriptor, SOL_SOCKET, 55 /* SO_MEMINFO */, info, &length) == 0 ? info[8] : 0;
}

// Two ends of a connection that keeps messages apart, each with room for `buffer` bytes of its own on their way, also where
// that is more than the host allows everyone: 0, or -errno. Both are closed by exec.
static inline int pv_frame_sockets(int ends[2], int buffer) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  for (int index = 0; index < 2; index++) {
    if (setsockopt(ends[index], SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
      setsockopt(ends[index], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  }
  return 0;
}
