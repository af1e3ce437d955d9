// What CoreMark is made of, in a design of our own: lists that are searched, reversed and sorted, small matrices, a state
// machine over text, and a CRC that all of them go through. The same object code runs in ring 3 and in ring 0, where some hosts
// interpret it and none may use vector registers.
#include "include/Kernels.h"
#pragma clang attribute push(__attribute__((target("no-sse,no-mmx,no-x87"))), apply_to = function)

enum { NODES = 48, ORDER = 10, TEXT = 160, NONE = 0xffff };

struct node {
  uint16_t next;
  int16_t value;
  uint16_t tag;
};
struct work {
  uint32_t crc_table[16];
  struct node nodes[NODES];
  int16_t a[ORDER * ORDER], b[ORDER * ORDER];
  int32_t c[ORDER * ORDER];
  uint8_t text[TEXT];
};
_Static_assert(sizeof(struct work) <= pv_integer_bytes, "the work must fit in what callers give");

// CRC-32 (IEEE 802.3, reflected), a nibble at a time.
static uint32_t crc(const struct work *work, uint32_t crc, uint32_t word) {
  crc ^= word;
  for (int nibble = 0; nibble < 8; nibble++) crc = crc >> 4 ^ work->crc_table[crc & 15];
  return crc;
}

void pv_integer_prepare(void *memory) {
  struct work *work = memory;
  for (uint32_t index = 0; index < 16; index++) {
    uint32_t entry = index;
    for (int bit = 0; bit < 4; bit++) entry = entry & 1 ? entry >> 1 ^ 0xedb88320 : entry >> 1;
    work->crc_table[index] = entry;
  }
}

// The same numbers every time: x -> 1664525 x + 1013904223 modulo 2^32 (Numerical Recipes, 7.1), upper half.
static uint16_t draw(uint32_t *state) {
  *state = *state * 1664525 + 1013904223;
  return *state >> 16;
}

static uint16_t make_list(struct work *work, uint32_t *state) {
  for (uint16_t index = 0; index < NODES; index++) {
    struct node *node = &work->nodes[index];
    node->next = index + 1 < NODES ? index + 1 : NONE;
    node->value = (int16_t)(draw(state) & 0x3ff) - 512;
    node->tag = index;
  }
  return 0;
}

static uint16_t reverse(struct work *work, uint16_t head) {
  uint16_t reversed = NONE;
  while (head != NONE) {
    uint16_t next = work->nodes[head].next;
    work->nodes[head].next = reversed;
    reversed = head;
    head = next;
  }
  return reversed;
}

static int precedes(const struct node *a, const struct node *b, int by_tag) {
  return by_tag ? a->tag <= b->tag : a->value <= b->value;
}

// Merge sort from the bottom: runs of 1, 2, 4, … nodes.
static uint16_t sort(struct work *work, uint16_t head, int by_tag) {
  for (int run = 1; run < NODES; run *= 2) {
    uint16_t left = head, tail = NONE;
    head = NONE;
    while (left != NONE) {
      uint16_t right = left;
      int left_count = 0, right_count = run;
      while (left_count < run && right != NONE) {
        right = work->nodes[right].next;
        left_count++;
      }
      while (left_count > 0 || (right_count > 0 && right != NONE)) {
        uint16_t taken;
        int from_left = left_count > 0
                        && (right_count == 0 || right == NONE
                            || precedes(&work->nodes[left], &work->nodes[right], by_tag));
        if (from_left) {
          taken = left;
          left = work->nodes[left].next;
          left_count--;
        } else {
          taken = right;
          right = work->nodes[right].next;
          right_count--;
        }
        if (tail == NONE) head = taken;
        else work->nodes[tail].next = taken;
        tail = taken;
      }
      left = right;
    }
    work->nodes[tail].next = NONE;
  }
  return head;
}

static uint32_t list_part(struct work *work, uint32_t digest, uint32_t *state) {
  uint16_t head = make_list(work, state);
  for (int search = 0; search < 8; search++) {
    int16_t wanted = (int16_t)(draw(state) & 0x3ff) - 512;
    uint32_t steps = 0;
    uint16_t at = head;
    while (at != NONE && work->nodes[at].value < wanted) {
      at = work->nodes[at].next;
      steps++;
    }
    digest = crc(work, digest, steps << 16 | at);
    head = reverse(work, head);
  }
  head = sort(work, head, 0);
  for (uint16_t at = head; at != NONE; at = work->nodes[at].next) digest = crc(work, digest, (uint16_t)work->nodes[at].value);
  head = sort(work, head, 1);
  for (uint16_t at = head; at != NONE; at = work->nodes[at].next) digest = crc(work, digest, work->nodes[at].tag);
  return digest;
}

static uint32_t matrix_part(struct work *work, uint32_t digest, uint32_t *state) {
  for (int index = 0; index < ORDER * ORDER; index++) {
    work->a[index] = (int16_t)(draw(state) & 0xff) - 128;
    work->b[index] = (int16_t)(draw(state) & 0xff) - 128;
  }
  for (int row = 0; row < ORDER; row++) {
    for (int column = 0; column < ORDER; column++) {
      int32_t sum = 0;
      for (int k = 0; k < ORDER; k++) sum += work->a[row * ORDER + k] * work->b[k * ORDER + column];
      work->c[row * ORDER + column] = sum;
    }
  }
  for (int row = 0; row < ORDER; row++) {
    int32_t sum = 0;
    for (int column = 0; column < ORDER; column++) {
      int32_t value = work->c[row * ORDER + column];
      sum += value > 4096 ? value >> 3 : value < -4096 ? value ^ row : value;
    }
    digest = crc(work, digest, (uint32_t)sum);
  }
  return digest;
}

enum state { START, SIGN, DIGITS, FRACTION, EXPONENT, WORD, STATES };

static enum state step(enum state state, uint8_t byte) {
  int is_digit = byte >= '0' && byte <= '9';
  switch (state) {
  case START: return is_digit ? DIGITS : byte == '-' ? SIGN : WORD;
  case SIGN: return is_digit ? DIGITS : WORD;
  case DIGITS: return is_digit ? DIGITS : byte == '.' ? FRACTION : byte == 'e' ? EXPONENT : WORD;
  case FRACTION: return is_digit ? FRACTION : byte == 'e' ? EXPONENT : WORD;
  case EXPONENT: return is_digit ? EXPONENT : WORD;
  default: return WORD;
  }
}

static uint32_t text_part(struct work *work, uint32_t digest, uint32_t *state) {
  static const uint8_t alphabet[16] = "0123456789.e-,,x";
  for (int index = 0; index < TEXT; index++) work->text[index] = alphabet[draw(state) & 15];
  uint16_t counts[STATES] = {0};
  enum state now = START;
  for (int index = 0; index < TEXT; index++) {
    if (work->text[index] == ',') {
      counts[now]++;
      now = START;
    } else {
      now = step(now, work->text[index]);
    }
  }
  counts[now]++;
  for (int index = 0; index < STATES; index++) digest = crc(work, digest, counts[index]);
  return digest;
}

uint64_t pv_integer(void *memory) {
  struct work *work = memory;
  uint32_t state = 20, digest = ~0u;
  digest = list_part(work, digest, &state);
  digest = matrix_part(work, digest, &state);
  digest = text_part(work, digest, &state);
  return (uint64_t)state << 32 | digest;
}
#pragma clang attribute pop
