// The C symbols that Embedded Swift asks for. Ring 3 only: nothing here runs in ring 0.
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *target, const void *source, size_t count) {
  void *result = target;
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(count)::"memory");
  return result;
}

void *memset(void *target, int byte, size_t count) {
  void *result = target;
  __asm__ volatile("rep stosb" : "+D"(target), "+c"(count) : "a"(byte) : "memory");
  return result;
}

void *memmove(void *target, const void *source, size_t count) {
  if ((uintptr_t)target <= (uintptr_t)source || (uintptr_t)target >= (uintptr_t)source + count)
    return memcpy(target, source, count);
  unsigned char *to = target;
  const unsigned char *from = source;
  while (count--) to[count] = from[count];
  return target;
}

int memcmp(const void *a, const void *b, size_t count) {
  const unsigned char *x = a, *y = b;
  for (; count; count--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

__attribute__((noreturn)) void abort(void) {
  for (;;) __asm__ volatile("ud2");
}

// The heap: power-of-two classes from 32 bytes, each with a free list, over a region that only grows. A block's two words
// before the pointer hold its start and its class.
extern char __heap_start[], __heap_end[];
static char *heap_top = __heap_start;
static void *free_lists[48];

int posix_memalign(void **out, size_t alignment, size_t size) {
  size_t need = size + 16 + (alignment > 16 ? alignment : 0);
  int class = 5;
  while (((size_t)1 << class) < need) class++;
  char *block = free_lists[class];
  if (block) {
    free_lists[class] = *(void **)block;
  } else {
    if ((size_t)(__heap_end - heap_top) < (size_t)1 << class) return 12;
    block = heap_top;
    heap_top += (size_t)1 << class;
  }
  uintptr_t pointer = (uintptr_t)block + 16;
  if (alignment > 16) pointer = (pointer + alignment - 1) & ~(uintptr_t)(alignment - 1);
  ((uint64_t *)pointer)[-1] = (uint64_t)class;
  ((uint64_t *)pointer)[-2] = (uint64_t)block;
  *out = (void *)pointer;
  return 0;
}

void free(void *pointer) {
  if (!pointer) return;
  uint64_t class = ((uint64_t *)pointer)[-1];
  void **block = (void **)((uint64_t *)pointer)[-2];
  *block = free_lists[class];
  free_lists[class] = block;
}

#include "include/GuestKernel.h"
_Alignas(64) uint8_t pv_mailboxes[64 * PV_PROCESSORS];

// Nothing in a guest may be random: hashes are seeded with a constant, so that every boot does the same.
void arc4random_buf(void *buffer, size_t count) { memset(buffer, 0x5a, count); }

int putchar(int character) {
  __asm__ volatile("outb %0, %1" ::"a"((uint8_t)character), "Nd"((uint16_t)0x3f8));
  return character;
}
