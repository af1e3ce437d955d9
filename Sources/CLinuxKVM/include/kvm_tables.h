#pragma once
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "kvm_calls.h"

// Requests that end in a flexible array, which Swift drops. Each is built in a union with room for its entries.

enum { pv_cpuid_capacity = 256, pv_routing_capacity = 512 };

union pv_cpuid_request {
  struct kvm_cpuid2 head;
  __u8 room[sizeof(struct kvm_cpuid2) + pv_cpuid_capacity * sizeof(struct kvm_cpuid_entry2)];
};

union pv_msr_request {
  struct kvm_msrs head;
  __u8 room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

union pv_routing_request {
  struct kvm_irq_routing head;
  __u8 room[sizeof(struct kvm_irq_routing) + pv_routing_capacity * sizeof(struct kvm_irq_routing_entry)];
};

// KVM_GET_SUPPORTED_CPUID into `entries` (room for pv_cpuid_capacity): how many there are, or -errno.
static inline int pv_kvm_supported_cpuid(int system, struct kvm_cpuid_entry2 *entries) {
  union pv_cpuid_request request;
  memset(&request, 0, sizeof request);
  request.head.nent = pv_cpuid_capacity;
  int result = pv_ioctl_pointer(system, KVM_GET_SUPPORTED_CPUID, &request);
  if (result < 0) return result;
  memcpy(entries, request.head.entries, request.head.nent * sizeof *entries);
  return (int)request.head.nent;
}

// KVM_SET_CPUID2 with `count` entries: 0, or -errno.
static inline int pv_kvm_set_cpuid(int vcpu, const struct kvm_cpuid_entry2 *entries, __u32 count) {
  union pv_cpuid_request request;
  if (count > pv_cpuid_capacity) return -E2BIG;
  memset(&request, 0, sizeof request);
  request.head.nent = count;
  if (count) memcpy(request.head.entries, entries, count * sizeof *entries);
  return pv_ioctl_pointer(vcpu, KVM_SET_CPUID2, &request);
}

// KVM_GET_MSRS for one register: 1, 0 where KVM refuses it, or -errno.
static inline int pv_kvm_get_msr(int vcpu, __u32 index, __u64 *value) {
  union pv_msr_request request;
  memset(&request, 0, sizeof request);
  request.head.nmsrs = 1;
  request.head.entries[0].index = index;
  int result = pv_ioctl_pointer(vcpu, KVM_GET_MSRS, &request);
  *value = request.head.entries[0].data;
  return result;
}

// KVM_SET_MSRS for one register: 1, 0 where KVM refuses it, or -errno.
static inline int pv_kvm_set_msr(int vcpu, __u32 index, __u64 value) {
  union pv_msr_request request;
  memset(&request, 0, sizeof request);
  request.head.nmsrs = 1;
  request.head.entries[0].index = index;
  request.head.entries[0].data = value;
  return pv_ioctl_pointer(vcpu, KVM_SET_MSRS, &request);
}

// KVM_SET_XCRS with XCR0 only: 0, or -errno.
static inline int pv_kvm_set_xcr0(int vcpu, __u64 value) {
  struct kvm_xcrs request;
  memset(&request, 0, sizeof request);
  request.nr_xcrs = 1;
  request.xcrs[0].value = value;
  return pv_ioctl_pointer(vcpu, KVM_SET_XCRS, &request);
}

// KVM_SET_GSI_ROUTING with `count` entries, in place of the whole table: 0, or -errno.
static inline int pv_kvm_set_routing(int vm, const struct kvm_irq_routing_entry *entries, __u32 count) {
  union pv_routing_request request;
  if (count > pv_routing_capacity) return -E2BIG;
  memset(&request, 0, sizeof request);
  request.head.nr = count;
  if (count) memcpy(request.head.entries, entries, count * sizeof *entries);
  return pv_ioctl_pointer(vm, KVM_SET_GSI_ROUTING, &request);
}
