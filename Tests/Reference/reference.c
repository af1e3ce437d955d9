// The smallest runner that does what pvbench-vm does for the kernel `exits`: what a way out of ring 3 costs when nothing is
// counted, timed or looked up. One slot of memory, the in-kernel interrupt controllers after it, one vCPU that is started in
// long mode and goes down to ring 3 by iretq, where it leaves the guest over and over with the TSC read around it.
//
// It is given pvbench-vm's arguments (KEY=VALUE…; those that it has no use for are ignored) and prints a report of the same
// form. Exit codes: 0 measured; 1 not; 64 usage.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// Where things are in the guest: below 16 MiB, identity mapped.
enum {
  GDT = 0x1000,
  STACK = 0x4000,  // of ring 0, downwards: no more than the frame that iretq takes
  USER_STACK = 0x6000,
  TASK = 0x8000,  // 104 bytes and the I/O bitmap
  TASK_LIMIT = 104 + 8192,
  PAGE_TABLES = 0x10000,
  CODE = 0x20000,
  COUNT = 0x30000,  // samples, once it has ended
  SAMPLES = 0x1000000,
  MOST_SAMPLES = 2000000,
};
enum { COM1 = 0x3f8, NOBODYS_PORT = 0x5070, BELL = 0x5056 };
#define NOBODYS_ADDRESS 0xFEB02000u
#define LOCAL_APIC_ID 0xFEE00020u

// R13 ticks of the window, R14 ticks of the warm-up, RSI the loop, R9 its address. The loops are the guest's own: the same
// instructions between the same fences (GuestKernel/ways.S).
extern const uint8_t guest[], guest_ring3[], guest_out[], guest_write[], guest_read[], guest_end[];
#define TSC "lfence; rdtsc; lfence\n"
#define WHOLE "shl $32, %rdx; or %rdx, %rax\n"
#define MEASURED(way)                                                                     \
  "xor %r12d, %r12d\n" TSC WHOLE "lea (%rax, %r15), %r11\n"                               \
  "1:" TSC "mov %eax, %r8d; mov %edx, %r10d\n" way TSC WHOLE "shl $32, %r10; or %r10, %r8\n" \
  "mov %rax, %r10; sub %r8, %rax; mov %rax, (%rbx, %r12, 8); inc %r12\n"                   \
  "cmp $2000000, %r12; jae 2f; cmp %r11, %r10; jb 1b\n"                                   \
  "2: mov %r12, 0x30000; ret\n"
__asm__(
    ".pushsection .rodata\n"
    "guest: iretq\n"
    "guest_ring3: mov $0x3f8, %edx; mov $0x21, %al; out %al, %dx\n"
    "mov $0x1000000, %ebx; xor %ecx, %ecx\n"
    "mov %r14, %r15; call *%rsi\n"
    "mov %r13, %r15; call *%rsi\n"
    "mov $0x5056, %edx; out %eax, %dx\n"
    "3: jmp 3b\n"
    "guest_out:" MEASURED("mov %r9d, %edx; out %eax, %dx\n")
    "guest_write:" MEASURED("mov %ecx, (%r9)\n")
    "guest_read:" MEASURED("mov (%r9), %eax\n")
    "guest_end:\n"
    ".popsection\n");

static const struct way {
  const char *name;
  const uint8_t *loop;
  uint64_t address;
} ways[] = {
    {"pio-out", guest_out, NOBODYS_PORT},
    {"mmio-write", guest_write, NOBODYS_ADDRESS},
    {"lapic-read", guest_read, LOCAL_APIC_ID},
};

static void fail(const char *what) {
  fprintf(stderr, "reference: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int check(int result, const char *what) {
  if (result < 0) fail(what);
  return result;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct {
  const struct way *way;
  const char *device;
  uint64_t memory, warmup, window, spawned;
  int cpu;
} orders = {.device = "/dev/kvm", .memory = 64 << 20, .cpu = -1};

static const struct way *way_named(const char *name) {
  for (size_t index = 0; index < sizeof ways / sizeof *ways; index++)
    if (!strcmp(ways[index].name, name)) return &ways[index];
  return NULL;
}

static void read_arguments(char **argument) {
  for (; *argument; argument++) {
    const char *value = strchr(*argument, '=');
    if (!value) {
      fprintf(stderr, "reference: unknown argument '%s'\n", *argument);
      exit(64);
    }
    size_t length = (size_t)(++value - *argument);
    if (!strncmp(*argument, "parameter:way=", length)) orders.way = way_named(value);
    if (!strncmp(*argument, "kvm=", length)) orders.device = value;
    if (!strncmp(*argument, "memory=", length)) orders.memory = strtoull(value, NULL, 10);
    if (!strncmp(*argument, "warmup-ns=", length)) orders.warmup = strtoull(value, NULL, 10);
    if (!strncmp(*argument, "window-ns=", length)) orders.window = strtoull(value, NULL, 10);
    if (!strncmp(*argument, "spawned-ns=", length)) orders.spawned = strtoull(value, NULL, 10);
    if (!strncmp(*argument, "vcpu-cpus=", length)) orders.cpu = atoi(value);
  }
  if (!orders.way) {
    fprintf(stderr, "reference: parameter:way: expected pio-out, mmio-write or lapic-read\n");
    exit(64);
  }
}

// Page tables for the first 4 GiB in pages of 2 MiB that ring 3 may use, the last one uncached; descriptors; a task whose
// I/O bitmap allows every port.
static void lay_out(uint8_t *memory) {
  uint64_t *root = (uint64_t *)(memory + PAGE_TABLES), *directories = root + 1024;
  root[0] = PAGE_TABLES + 0x1007;
  for (uint64_t gib = 0; gib < 4; gib++) root[512 + gib] = (PAGE_TABLES + 0x2000 + 0x1000 * gib) | 7;
  for (uint64_t page = 0; page < 2048; page++) directories[page] = page << 21 | (page < 1536 ? 0x87 : 0x9f);
  const uint64_t descriptors[] = {0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0x00cff3000000ffff,
                                  0x00affb000000ffff};
  memcpy(memory + GDT, descriptors, sizeof descriptors);
  *(uint16_t *)(memory + TASK + 102) = 104;
  memory[TASK + TASK_LIMIT] = 0xff;
  memcpy(memory + CODE, guest, (size_t)(guest_end - guest));
  const uint64_t frame[] = {CODE + (uint64_t)(guest_ring3 - guest), 0x33, 0x3002, USER_STACK, 0x2b};
  memcpy(memory + STACK - sizeof frame, frame, sizeof frame);
}

static void start(int vcpu, uint64_t hertz) {
  struct kvm_sregs system;
  check(ioctl(vcpu, KVM_GET_SREGS, &system), "KVM_GET_SREGS");
  struct kvm_segment code = {.limit = ~0u, .selector = 0x10, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
  struct kvm_segment data = {.limit = ~0u, .selector = 0x18, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
  system.cs = code;
  system.ds = system.es = system.fs = system.gs = system.ss = data;
  system.tr = (struct kvm_segment){.base = TASK, .limit = TASK_LIMIT, .selector = 0x40, .type = 11, .present = 1};
  system.gdt = (struct kvm_dtable){.base = GDT, .limit = 7 * 8 - 1};
  system.cr3 = PAGE_TABLES;
  system.cr4 = 0x620;
  system.cr0 = 0x80050033;
  system.efer = 0xd01;
  check(ioctl(vcpu, KVM_SET_SREGS, &system), "KVM_SET_SREGS");
  struct kvm_regs general = {
      .rip = CODE, .rsp = STACK - 40, .rflags = 2, .rsi = CODE + (uint64_t)(orders.way->loop - guest),
      .r9 = orders.way->address,
      .r13 = (uint64_t)((double)orders.window * (double)hertz / 1e9),
      .r14 = (uint64_t)((double)orders.warmup * (double)hertz / 1e9)};
  check(ioctl(vcpu, KVM_SET_REGS, &general), "KVM_SET_REGS");
}

// Runs the guest to its bell; when it said its first byte.
static uint64_t run(int vcpu, struct kvm_run *page) {
  uint64_t first = 0;
  for (;;) {
    check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
    switch (page->exit_reason) {
      case KVM_EXIT_IO:
        if (page->io.port == COM1) first = now();
        if (page->io.port == BELL) return first;
        continue;
      case KVM_EXIT_MMIO: continue;
      default:
        fprintf(stderr, "reference: unexpected exit %u\n", page->exit_reason);
        exit(1);
    }
  }
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void report(uint8_t *memory, uint64_t hertz, uint64_t first) {
  uint64_t *samples = (uint64_t *)(memory + SAMPLES), count = *(uint64_t *)(memory + COUNT);
  qsort(samples, count, sizeof *samples, ascending);
  printf("status\tok\t\nmetric\twindow.ops\t%" PRIu64 "\n", count);
  printf("metric\tlatency.min\t%.12g\n", (double)samples[0] / (double)hertz);
  printf("metric\tlatency.p50\t%.12g\n", (double)samples[count / 2] / (double)hertz);
  if (orders.spawned) printf("metric\tboot.first_byte\t%.12g\n", (double)(first - orders.spawned) / 1e9);
  printf("end\n");
}

int main(int count, char **arguments) {
  read_arguments(arguments + (count > 0));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (orders.cpu >= 0) CPU_SET(orders.cpu, &cpus);
  if (orders.cpu >= 0) check(sched_setaffinity(0, sizeof cpus, &cpus), "sched_setaffinity");

  int kvm = check(open(orders.device, O_RDWR | O_CLOEXEC), orders.device);
  int machine = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  uint8_t *memory = mmap(NULL, orders.memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || orders.memory < SAMPLES + 8ull * MOST_SAMPLES) fail("guest memory");
  lay_out(memory);
  struct kvm_userspace_memory_region slot = {.memory_size = orders.memory, .userspace_addr = (uint64_t)memory};
  check(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
  check(ioctl(machine, KVM_SET_TSS_ADDR, 0xfffbd000ul), "KVM_SET_TSS_ADDR");
  check(ioctl(machine, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  int vcpu = check(ioctl(machine, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  size_t size = (size_t)check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (page == MAP_FAILED) fail("the vCPU's page");
  struct kvm_cpuid2 *table = calloc(1, sizeof *table + 256 * sizeof *table->entries);
  if (!table) fail("the CPUID table");
  table->nent = 256;
  check(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table), "KVM_GET_SUPPORTED_CPUID");
  check(ioctl(vcpu, KVM_SET_CPUID2, table), "KVM_SET_CPUID2");
  uint64_t hertz = 1000ull * (uint64_t)check(ioctl(vcpu, KVM_GET_TSC_KHZ, 0), "KVM_GET_TSC_KHZ");
  start(vcpu, hertz);
  report(memory, hertz, run(vcpu, page));
}
