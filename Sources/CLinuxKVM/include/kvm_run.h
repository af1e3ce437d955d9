#pragma once
#include <linux/kvm.h>

// Fields of struct kvm_run's anonymous unions, one small copy each: Swift would copy the whole struct to read one.

struct pv_run_io {
  __u8 direction;
  __u8 size;
  __u16 port;
  __u32 count;
  __u64 data_offset;
};

struct pv_run_mmio {
  __u64 address;
  __u32 length;
  __u8 is_write;
};

struct pv_run_msr {
  __u32 index;
  __u32 reason;
  __u64 data;
};

static inline struct pv_run_io pv_run_io(const struct kvm_run *run) {
  return (struct pv_run_io){run->io.direction, run->io.size, run->io.port, run->io.count, run->io.data_offset};
}

static inline struct pv_run_mmio pv_run_mmio(const struct kvm_run *run) {
  return (struct pv_run_mmio){run->mmio.phys_addr, run->mmio.len, run->mmio.is_write};
}

// The eight data bytes of an MMIO exit, in the run page.
static inline void *pv_run_mmio_data(struct kvm_run *run) { return run->mmio.data; }

static inline struct pv_run_msr pv_run_msr(const struct kvm_run *run) {
  return (struct pv_run_msr){run->msr.index, run->msr.reason, run->msr.data};
}

// Answers an MSR exit: the value that RDMSR returns, and whether the guest gets #GP in its place.
static inline void pv_run_msr_answer(struct kvm_run *run, __u64 data, __u8 error) {
  run->msr.data = data;
  run->msr.error = error;
}

static inline __u32 pv_run_internal_suberror(const struct kvm_run *run) { return run->internal.suberror; }
static inline __u32 pv_run_internal_count(const struct kvm_run *run) { return run->internal.ndata; }
static inline const __u64 *pv_run_internal_data(const struct kvm_run *run) {
  return (const __u64 *)run->internal.data;
}
static inline __u64 pv_run_fail_entry_reason(const struct kvm_run *run) {
  return run->fail_entry.hardware_entry_failure_reason;
}
static inline __u64 pv_run_hardware_reason(const struct kvm_run *run) { return run->hw.hardware_exit_reason; }
static inline __u64 pv_run_hypercall_number(const struct kvm_run *run) { return run->hypercall.nr; }
static inline __u32 pv_run_exception_vector(const struct kvm_run *run) { return run->ex.exception; }
static inline __u32 pv_run_system_event(const struct kvm_run *run) { return run->system_event.type; }
static inline __u8 pv_run_eoi_vector(const struct kvm_run *run) { return run->eoi.vector; }

// Sets `immediate_exit`, which another thread or a signal handler may do at any moment: one byte, atomically.
static inline void pv_run_set_immediate_exit(void *immediate_exit, __u8 value) {
  __atomic_store_n((__u8 *)immediate_exit, value, __ATOMIC_SEQ_CST);
}
static inline int pv_run_has_immediate_exit(const void *immediate_exit) {
  return __atomic_load_n((const __u8 *)immediate_exit, __ATOMIC_SEQ_CST) != 0;
}

static inline void *pv_run_immediate_exit(struct kvm_run *run) { return &run->immediate_exit; }

// Takes what is in KVM's ring of gathered writes (struct kvm_coalesced_mmio_ring, a page of `count` entries of which one is
// always free): how many there were. Only one thread at a time may take.
static inline __u32 pv_coalesced_take(struct kvm_coalesced_mmio_ring *ring, __u32 count) {
  __u32 first = __atomic_load_n(&ring->first, __ATOMIC_RELAXED), last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
  __atomic_store_n(&ring->first, last, __ATOMIC_RELEASE);
  return (last + count - first) % count;
}
