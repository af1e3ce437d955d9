// What ring 3 needs from assembly: port I/O, string I/O, MMIO, clocks, fences and the kernel's services.
#pragma once
#include <stddef.h>
#include <stdint.h>

static inline void pv_out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory"); }
static inline void pv_out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory"); }
static inline uint8_t pv_in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
static inline uint32_t pv_in32(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
static inline void pv_ins16(uint16_t port, uintptr_t buffer, uint64_t words) {
  __asm__ volatile("rep insw" : "+D"(buffer), "+c"(words) : "d"(port) : "memory");
}
static inline void pv_outs16(uint16_t port, uintptr_t buffer, uint64_t words) {
  __asm__ volatile("rep outsw" : "+S"(buffer), "+c"(words) : "d"(port) : "memory");
}

// MMIO by plain moves: some hosts emulate nothing else from ring 3.
static inline uint32_t pv_read32(uintptr_t address) {
  uint32_t value;
  __asm__ volatile("movl (%1), %0" : "=a"(value) : "r"(address) : "memory");
  return value;
}
static inline void pv_write32(uintptr_t address, uint32_t value) {
  __asm__ volatile("movl %0, (%1)" ::"a"(value), "r"(address) : "memory");
}
static inline uint16_t pv_read16(uintptr_t address) {
  uint16_t value;
  __asm__ volatile("movw (%1), %0" : "=a"(value) : "r"(address) : "memory");
  return value;
}
static inline void pv_write16(uintptr_t address, uint16_t value) {
  __asm__ volatile("movw %0, (%1)" ::"a"(value), "r"(address) : "memory");
}
static inline uint8_t pv_read8(uintptr_t address) {
  uint8_t value;
  __asm__ volatile("movb (%1), %0" : "=a"(value) : "r"(address) : "memory");
  return value;
}
static inline void pv_write8(uintptr_t address, uint8_t value) {
  __asm__ volatile("movb %0, (%1)" ::"a"(value), "r"(address) : "memory");
}

// The TSC with the fences that the vendors ask for (Intel SDM 3, 18.17; AMD APM 3, RDTSC).
static inline uint64_t pv_tsc(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
}
static inline void pv_pause(void) { __asm__ volatile("pause" ::: "memory"); }
static inline void pv_full_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

static inline uint16_t pv_load16(uintptr_t address) { return __atomic_load_n((uint16_t *)address, __ATOMIC_ACQUIRE); }
static inline void pv_store16(uintptr_t address, uint16_t value) { __atomic_store_n((uint16_t *)address, value, __ATOMIC_RELEASE); }
static inline uint64_t pv_load64(uintptr_t address) { return __atomic_load_n((uint64_t *)address, __ATOMIC_ACQUIRE); }
static inline void pv_store64(uintptr_t address, uint64_t value) { __atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE); }

extern uint64_t pv_interrupts[256];
static inline uint64_t pv_interrupt_count(uint8_t vector) { return __atomic_load_n(&pv_interrupts[vector], __ATOMIC_ACQUIRE); }
static inline uintptr_t pv_interrupt_counter(uint8_t vector) { return (uintptr_t)&pv_interrupts[vector]; }

// Services of ring 0 (kernel.S).
void pv_wait(uintptr_t counter, uint64_t seen);
void pv_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t *words);
uint64_t pv_rdmsr(uint32_t index);
void pv_wrmsr(uint32_t index, uint64_t value);
uint64_t pv_vmcall(uint64_t number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth);
uint64_t pv_vmmcall(uint64_t number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth);
// CR3 and CR4 as every processor has them.
extern uint64_t pv_cr3, pv_cr4;
static inline uint64_t pv_control3(void) { return pv_cr3; }
static inline uint64_t pv_control4(void) { return pv_cr4; }

void pv_invlpg(uintptr_t address);
// The page that a processor forgets when it is interrupted on this vector, and how often that has happened.
enum { pv_shootdown_vector = 0x3e };
extern uint64_t pv_shootdown_address, pv_shootdowns;
static inline void pv_set_shootdown_address(uintptr_t address) { pv_shootdown_address = address; }
static inline uint64_t pv_shootdown_count(void) { return __atomic_load_n(&pv_shootdowns, __ATOMIC_ACQUIRE); }

// A function of general registers only runs in ring 0 with interrupts off, on the kernel's stack of 4 KiB.
uint64_t pv_call(uint64_t (*function)(void *), void *argument);

extern uint8_t pv_idt[4096];
static inline uintptr_t pv_idt_address(void) { return (uintptr_t)pv_idt; }

// Most processors; kernel.S has stacks and a TSS for each.
enum { PV_PROCESSORS = 16 };

// A cache line for each processor, for whoever hands it work (Processors.swift).
extern uint8_t pv_mailboxes[64 * PV_PROCESSORS];
static inline uintptr_t pv_mailboxes_address(void) { return (uintptr_t)pv_mailboxes; }

// Gives the interrupts of vectors from 0x30 on another end: by x2APIC's register, or by KVM's flag where it is set.
extern const uint64_t pv_x2apic_gate_shift, pv_paravirtual_gate_shift;
static inline void pv_move_gates(uint64_t shift) {
  for (int vector = 0x30; vector < 256; vector++) *(volatile uint16_t *)(pv_idt + 16 * vector) += (uint16_t)shift;
}
static inline void pv_end_interrupts_by_x2apic(void) { pv_move_gates(pv_x2apic_gate_shift); }
static inline void pv_end_interrupts_by_flag(void) { pv_move_gates(pv_paravirtual_gate_shift); }

// KVM's end-of-interrupt flags, 64 bytes for each processor, and how many ends they have saved.
extern uint8_t pv_eoi_flags[64 * PV_PROCESSORS];
extern uint64_t pv_eoi_saved;
static inline uintptr_t pv_eoi_flag_address(int processor) { return (uintptr_t)(pv_eoi_flags + 64 * processor); }
static inline uint64_t pv_eoi_saved_count(void) { return __atomic_load_n(&pv_eoi_saved, __ATOMIC_ACQUIRE); }

static inline uint64_t pv_fetch_add64(uintptr_t address, uint64_t value) {
  return __atomic_fetch_add((uint64_t *)address, value, __ATOMIC_SEQ_CST);
}
static inline void pv_breakpoint(void) { __asm__ volatile("int3"); }
static inline void pv_undefined(void) { __asm__ volatile("ud2"); }

// Ways out of the guest (ways.S): what such a loop is told, and the TSC ticks of each time.
enum { PV_WAY_SAMPLES = 64, PV_WAY_ELEMENTS = 8, PV_WAY_SECTOR_ELEMENTS = 256 };
struct pv_way_order {
  uint64_t samples;
  uint64_t operand;  // a port, an address, a leaf or the number of a call
  uint64_t rcx, rbx, rsi;
  uint64_t deltas[PV_WAY_SAMPLES];
};
static inline void pv_way_set(uintptr_t order, uint64_t operand, uint64_t rcx, uint64_t rbx, uint64_t rsi) {
  struct pv_way_order *it = (struct pv_way_order *)order;
  it->operand = operand;
  it->rcx = rcx;
  it->rbx = rbx;
  it->rsi = rsi;
}
static inline void pv_way_set_samples(uintptr_t order, uint64_t samples) {
  ((struct pv_way_order *)order)->samples = samples;
}
static inline uint64_t pv_way_delta(uintptr_t order, uint64_t index) {
  return ((const struct pv_way_order *)order)->deltas[index];
}
#define PV_WAY(name) uint64_t pv_way_##name(void *order), pv_way_##name##_ring0(void *order)
PV_WAY(empty);
PV_WAY(out32);
PV_WAY(out8);
PV_WAY(in32);
PV_WAY(in8);
PV_WAY(outs);
PV_WAY(ins);
PV_WAY(ins_sector);
PV_WAY(write32);
PV_WAY(read32);
PV_WAY(cpuid);
PV_WAY(rdmsr);
PV_WAY(wrmsr);
PV_WAY(cr3);
PV_WAY(invlpg);
PV_WAY(vmcall);
PV_WAY(vmmcall);
#undef PV_WAY
