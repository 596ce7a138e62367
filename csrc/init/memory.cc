// What a compiler takes for granted of a C library.
#include "../types.h"

using oci::u8;
using oci::usize;

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, usize size);
void* memmove(void* to, const void* from, usize size);
void* memset(void* to, int value, usize size);
int memcmp(const void* a, const void* b, usize size);
usize strlen(const char* text);

void* memcpy(void* __restrict to, const void* __restrict from, usize size) {
  u8* out = static_cast<u8*>(to);
  const u8* in = static_cast<const u8*>(from);
#if defined(__x86_64__)
  asm volatile("rep movsb" : "+D"(out), "+S"(in), "+c"(size) : : "memory");
#else
  while (size-- > 0) *out++ = *in++;
#endif
  return to;
}

void* memmove(void* to, const void* from, usize size) {
  u8* out = static_cast<u8*>(to);
  const u8* in = static_cast<const u8*>(from);
  if (out <= in || out >= in + size) {
    while (size-- > 0) *out++ = *in++;
  } else {
    while (size-- > 0) out[size] = in[size];
  }
  return to;
}

void* memset(void* to, int value, usize size) {
  u8* out = static_cast<u8*>(to);
#if defined(__x86_64__)
  asm volatile("rep stosb" : "+D"(out), "+c"(size) : "a"(value) : "memory");
#else
  while (size-- > 0) *out++ = static_cast<u8>(value);
#endif
  return to;
}

int memcmp(const void* a, const void* b, usize size) {
  const u8* x = static_cast<const u8*>(a);
  const u8* y = static_cast<const u8*>(b);
  for (; size > 0; size--, x++, y++) {
    if (*x != *y) return *x < *y ? -1 : 1;
  }
  return 0;
}

usize strlen(const char* text) {
  usize size = 0;
  while (text[size] != 0) size++;
  return size;
}

}  // extern "C"
