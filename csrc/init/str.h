// Strings and bytes without an allocator: views, and builders of a fixed size.
#pragma once

#include "../types.h"

namespace oci {

inline usize length_of(const char* s) {
  return __builtin_strlen(s);
}

// A view of bytes.
struct Bytes {
  const u8* data = nullptr;
  usize size = 0;
};

// A view of text. One that comes from a plan, a literal or a FixedString ends with a NUL (`c()`); a slice may
// not.
struct Str {
  const char* data = "";
  usize size = 0;

  constexpr Str() = default;
  constexpr Str(const char* text) : data(text), size(__builtin_strlen(text)) {}
  constexpr Str(const char* text, usize n) : data(text), size(n) {}

  const char* c() const { return data; }
  bool empty() const { return size == 0; }
  char operator[](usize i) const { return data[i]; }
  bool operator==(Str o) const { return size == o.size && __builtin_memcmp(data, o.data, size) == 0; }
  bool starts_with(Str o) const { return size >= o.size && __builtin_memcmp(data, o.data, o.size) == 0; }
  // The part from `from` up to `to`, not included. Has no NUL of its own.
  Str slice(usize from, usize to) const { return Str(data + from, to - from); }
  Str from(usize at) const { return Str(data + at, size - at); }
  // Index of the first `ch` at or after `at`, or `size`.
  usize find(char ch, usize at = 0) const {
    while (at < size && data[at] != ch) at++;
    return at;
  }
  bool contains(char ch) const { return find(ch) < size; }
};

// A text of at most N-1 bytes, always with its NUL. What does not fit is left out, and `truncated` says so.
template <usize N>
class FixedString {
 public:
  FixedString() { buffer_[0] = 0; }

  FixedString& add(Str s) {
    usize n = s.size;
    if (n > N - 1 - size_) {
      n = N - 1 - size_;
      truncated_ = true;
    }
    __builtin_memcpy(buffer_ + size_, s.data, n);
    size_ += n;
    buffer_[size_] = 0;
    return *this;
  }
  FixedString& add(char ch) { return add(Str(&ch, 1)); }
  // Decimal digits.
  FixedString& num(u64 value) {
    char digits[20];
    usize at = sizeof(digits);
    do {
      digits[--at] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return add(Str(digits + at, sizeof(digits) - at));
  }
  FixedString& snum(i64 value) {
    if (value >= 0) return num(static_cast<u64>(value));
    add('-');
    return num(0 - static_cast<u64>(value));
  }
  FixedString& clear() {
    size_ = 0;
    truncated_ = false;
    buffer_[0] = 0;
    return *this;
  }
  FixedString& set(Str s) { return clear().add(s); }
  // Shortens to `n` bytes.
  void cut(usize n) {
    if (n >= size_) return;
    size_ = n;
    buffer_[n] = 0;
  }

  const char* c() const { return buffer_; }
  char* data() { return buffer_; }
  // After bytes were written straight into data(): the text is its first `n` bytes (n < N).
  void set_size(usize n) {
    size_ = n;
    buffer_[n] = 0;
  }
  usize size() const { return size_; }
  static constexpr usize capacity() { return N; }
  bool empty() const { return size_ == 0; }
  bool truncated() const { return truncated_; }
  Str str() const {
    if (size_ >= N) __builtin_unreachable();
    return Str(buffer_, size_);
  }
  operator Str() const { return str(); }

 private:
  usize size_ = 0;
  bool truncated_ = false;
  char buffer_[N];
};

using PathBuffer = FixedString<4096>;

// Parses decimal digits: all of `s`, at least one, no sign, at most 2^64-1.
inline bool parse_u64(Str s, u64& out) {
  u64 value = 0;
  if (s.empty()) return false;
  for (usize i = 0; i < s.size; i++) {
    if (s[i] < '0' || s[i] > '9') return false;
    if (__builtin_mul_overflow(value, u64{10}, &value)) return false;
    if (__builtin_add_overflow(value, static_cast<u64>(s[i] - '0'), &value)) return false;
  }
  out = value;
  return true;
}

}  // namespace oci
