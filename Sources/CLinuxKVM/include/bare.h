#pragma once
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

// What a guest's program needs to run natively, as a part of this process.

// MAP_FIXED_NOREPLACE (mmap(2)): at this address or not at all.
static const int pv_map_fixed_noreplace = 0x100000;

// Registers in a signal's context, by their places in gregs (glibc, sys/ucontext.h names them under _GNU_SOURCE only).
enum pv_register {
  pv_register_rdi = 8,
  pv_register_rsi = 9,
  pv_register_rdx = 12,
  pv_register_rax = 13,
  pv_register_rip = 16,
  pv_register_error = 19,
  pv_register_trap = 20,
  pv_register_cr2 = 22,
};
static inline uint64_t pv_get_register(void *context, enum pv_register name) {
  return (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[name];
}
static inline void pv_set_register(void *context, enum pv_register name, uint64_t value) {
  ((ucontext_t *)context)->uc_mcontext.gregs[name] = (greg_t)value;
}

// `handler` runs at this signal on the thread's alternate stack; 0 or -errno.
static inline int pv_handle_signal(int number, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {0};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

// Gives the calling thread a stack of `count` bytes for its signal handlers; 0 or -errno.
static inline int pv_use_signal_stack(size_t count) {
  stack_t stack = {.ss_size = count};
  stack.ss_sp = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack.ss_sp == MAP_FAILED) return -errno;
  return sigaltstack(&stack, NULL) < 0 ? -errno : 0;
}

// The processor's own CPUID.
static inline void pv_native_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t words[4]) {
  __cpuid_count(leaf, subleaf, words[0], words[1], words[2], words[3]);
}

// Goes on at `entry` with the processor's number and the start_info, as a guest's first code expects them.
__attribute__((noreturn)) static inline void pv_enter_program(uintptr_t entry, int processor, uintptr_t start_info) {
  __asm__ volatile("jmp *%0" ::"a"(entry), "D"(processor), "b"(start_info) : "memory");
  __builtin_unreachable();
}
