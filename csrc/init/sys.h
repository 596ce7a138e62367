// Raw system calls: `call(number, args...)` returns what the kernel does, -errno on failure. No errno
// variable, no library, no cancellation point: the same code runs in the init program and on a worker thread
// of the addon.
#pragma once

#include <asm/unistd.h>

#include "../types.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "oci-ts runs on x86_64 and arm64"
#endif

namespace oci::sys {

inline long raw(long n, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#else
  register long x8 asm("x8") = n;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#endif
}

template <class T>
inline long word(T value) {
  return static_cast<long>(value);
}
template <class T>
inline long word(T* value) {
  return reinterpret_cast<long>(value);
}
inline long word(decltype(nullptr)) {
  return 0;
}

inline long call(long n) {
  return raw(n, 0, 0, 0, 0, 0, 0);
}
template <class A>
inline long call(long n, A a) {
  return raw(n, word(a), 0, 0, 0, 0, 0);
}
template <class A, class B>
inline long call(long n, A a, B b) {
  return raw(n, word(a), word(b), 0, 0, 0, 0);
}
template <class A, class B, class C>
inline long call(long n, A a, B b, C c) {
  return raw(n, word(a), word(b), word(c), 0, 0, 0);
}
template <class A, class B, class C, class D>
inline long call(long n, A a, B b, C c, D d) {
  return raw(n, word(a), word(b), word(c), word(d), 0, 0);
}
template <class A, class B, class C, class D, class E>
inline long call(long n, A a, B b, C c, D d, E e) {
  return raw(n, word(a), word(b), word(c), word(d), word(e), 0);
}
template <class A, class B, class C, class D, class E, class F>
inline long call(long n, A a, B b, C c, D d, E e, F f) {
  return raw(n, word(a), word(b), word(c), word(d), word(e), word(f));
}

// clone(2) on the caller's stack, as fork does: 0 in the child. `pidfd`: for CLONE_PIDFD, else null.
inline long clone(u64 flags, int* pidfd) {
  return call(__NR_clone, flags, 0, pidfd, 0, 0);
}

}  // namespace oci::sys
