// Handlers of ring 0 for workloads that measure the way into it, and what they need of it (traps.S).
#pragma once
#include "GuestKernel.h"

// Puts another handler behind a vector. The gate that was there, to be put back.
typedef struct {
  uint64_t low, high;
} pv_gate;
static inline pv_gate pv_replace_gate(uint8_t vector, void (*handler)(void)) {
  volatile pv_gate *gate = (volatile pv_gate *)(pv_idt + 16 * vector);
  pv_gate old = {gate->low, gate->high};
  uint64_t address = (uint64_t)handler;
  gate->high = address >> 32;
  gate->low = (old.low & 0x0000ffffffff0000) | (address & 0xffff) | (address & 0xffff0000) << 32;
  return old;
}
static inline void pv_restore_gate(uint8_t vector, pv_gate old) {
  volatile pv_gate *gate = (volatile pv_gate *)(pv_idt + 16 * vector);
  gate->high = old.high;
  gate->low = old.low;
}

void pv_handle_undefined(void), pv_handle_protection(void), pv_handle_fault(void), pv_handle_breakpoint(void);
void pv_mend_fault(void), pv_handle_system_call(void);
void pv_raise_undefined(void), pv_raise_protection(void), pv_raise_fault(uintptr_t address);
uint64_t pv_touch(uintptr_t address, uintptr_t entry, uint64_t value);
uint64_t pv_system_call(void);

// How often the handlers above have run, by vector, and SYSCALL's.
extern uint64_t pv_exceptions[32], pv_system_calls;
static inline uint64_t pv_exception_count(uint8_t vector) { return __atomic_load_n(&pv_exceptions[vector], __ATOMIC_ACQUIRE); }
static inline uint64_t pv_system_call_count(void) { return __atomic_load_n(&pv_system_calls, __ATOMIC_ACQUIRE); }
static inline uint64_t pv_system_call_entry(void) { return (uint64_t)pv_handle_system_call; }

// An interrupt whose handler notes the TSC of its coming, a cache line for each processor.
void pv_arrive_by_xapic(void), pv_arrive_by_x2apic(void);
extern uint8_t pv_arrivals[64 * PV_PROCESSORS];
static inline uintptr_t pv_arrival_address(int processor) { return (uintptr_t)(pv_arrivals + 64 * processor); }

// An interrupt command: what x2APIC's register or KVM_HC_SEND_IPI takes, and the TSC from right before it was given.
typedef struct {
  uint64_t sent, command, processors;
} pv_command;
uint64_t pv_send_by_x2apic(void *command), pv_send_by_vmcall(void *command), pv_send_by_vmmcall(void *command);
