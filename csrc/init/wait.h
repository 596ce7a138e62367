// Time: deadlines and patience.
#pragma once

#include "interp.h"

namespace oci {

// Sleeps about so long.
void sleep_us(u64 us);

// A point in time, `ms` from now (0: at once).
class Deadline {
 public:
  explicit Deadline(u64 ms) : end_(ms > kForever ? ~u64{0} : monotonic_ns() + ms * 1000000) {}
  bool passed() const { return monotonic_ns() >= end_; }
  // Nanoseconds that are left.
  u64 left() const {
    u64 now = monotonic_ns();
    return now >= end_ ? 0 : end_ - now;
  }

 private:
  static constexpr u64 kForever = u64{1} << 40;
  u64 end_;
};

// Growing pauses between tries: 0.5 ms, 1 ms, … 20 ms, never beyond the deadline.
class Backoff {
 public:
  explicit Backoff(const Deadline& deadline) : deadline_(deadline) {}
  // Pauses. False: the time is over.
  bool pause();

 private:
  const Deadline& deadline_;
  u64 us_ = 500;
};

}  // namespace oci
