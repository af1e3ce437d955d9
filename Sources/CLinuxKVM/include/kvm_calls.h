#pragma once
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

// An ioctl with a pointer as its argument: its result, or -errno. One that a signal, or work that io_uring has for this thread,
// interrupted is made again (KVM_CREATE_VM gives up while either is pending).
static inline int pv_ioctl_pointer(int descriptor, unsigned long request, void *argument) {
  int result;
  do result = ioctl(descriptor, request, argument);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

// An ioctl with a plain number as its argument, likewise.
static inline int pv_ioctl_value(int descriptor, unsigned long request, unsigned long argument) {
  return pv_ioctl_pointer(descriptor, request, (void *)argument);
}

// KVM_RUN, which an interruption ends: 0, or -errno.
static inline int pv_kvm_run(int vcpu) {
  return ioctl(vcpu, KVM_RUN, 0) < 0 ? -errno : 0;
}

// KVM_IOEVENTFD: signals `eventfd` on a guest write of `length` bytes (0: any length) at `address`.
static inline int pv_kvm_ioeventfd(int vm, int eventfd, __u64 address, __u32 length, int is_port, int has_match,
                                   __u64 match) {
  struct kvm_ioeventfd request = {.datamatch = match, .addr = address, .len = length, .fd = eventfd};
  request.flags = (is_port ? KVM_IOEVENTFD_FLAG_PIO : 0) | (has_match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0);
  return pv_ioctl_pointer(vm, KVM_IOEVENTFD, &request);
}

// KVM_IRQFD: whoever signals `eventfd` raises and lowers `gsi`.
static inline int pv_kvm_irqfd(int vm, int eventfd, __u32 gsi) {
  struct kvm_irqfd request = {.fd = (__u32)eventfd, .gsi = gsi};
  return pv_ioctl_pointer(vm, KVM_IRQFD, &request);
}

// KVM_SIGNAL_MSI: writes `data` to `address` as a device would: positive where a local APIC took it, 0 where none did.
static inline int pv_kvm_signal_msi(int vm, __u64 address, __u32 data) {
  struct kvm_msi request = {.address_lo = (__u32)address, .address_hi = (__u32)(address >> 32), .data = data};
  return pv_ioctl_pointer(vm, KVM_SIGNAL_MSI, &request);
}

// KVM_IRQ_LINE: drives `gsi` high or low.
static inline int pv_kvm_irq_line(int vm, __u32 gsi, int level) {
  struct kvm_irq_level request = {.irq = gsi, .level = level ? 1 : 0};
  return pv_ioctl_pointer(vm, KVM_IRQ_LINE, &request);
}

// KVM_REGISTER_COALESCED_MMIO: writes to `size` bytes at `address` are gathered.
static inline int pv_kvm_gather_writes(int vm, __u64 address, __u32 size, int is_port) {
  struct kvm_coalesced_mmio_zone request = {.addr = address, .size = size, .pio = is_port ? 1 : 0};
  return pv_ioctl_pointer(vm, KVM_REGISTER_COALESCED_MMIO, &request);
}

// KVM_X86_SET_MSR_FILTER: accesses to the register `index` go to userspace, all others stay with KVM.
static inline int pv_kvm_filter_msr(int vm, __u32 index) {
  __u8 denied = 0;
  struct kvm_msr_filter request = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
  request.ranges[0].flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
  request.ranges[0].nmsrs = 1;
  request.ranges[0].base = index;
  request.ranges[0].bitmap = &denied;
  return pv_ioctl_pointer(vm, KVM_X86_SET_MSR_FILTER, &request);
}
