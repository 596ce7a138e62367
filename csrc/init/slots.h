// The interpreter's numbered registers of fds, and an fd that closes itself.
#pragma once

#include "../plan.h"

namespace oci {

// Closes an fd; negative ones are let be.
void close_fd(int fd);

// Owns one fd.
class Fd {
 public:
  Fd() = default;
  explicit Fd(long fd) : fd_(static_cast<int>(fd)) {}
  Fd(Fd&& o) noexcept : fd_(o.release()) {}
  Fd& operator=(Fd&& o) noexcept {
    reset(o.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close_fd(fd_); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset(long fd = -1) {
    close_fd(fd_);
    fd_ = static_cast<int>(fd);
  }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

// Slot numbers come from plans, but were checked by the decoder for fields of kind `slot` only: every method
// takes any number.
class Slots {
 public:
  Slots() = default;
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  ~Slots() { close_all(); }

  // The fd, or -1 if the slot is empty or there is none of that number.
  int get(u32 slot) const { return slot < kMaxSlots ? entries_[slot] - 1 : -1; }
  // Puts an fd in, which then belongs to the table. What was there is closed. False: no such slot (the fd is
  // closed).
  bool put(u32 slot, int fd);
  // The same with an fd that stays its owner's: it is never closed here.
  bool lend(u32 slot, int fd);
  // Takes an fd out: it belongs to the caller now (-1: empty, or only lent).
  int take(u32 slot);
  // False: it was empty.
  bool close(u32 slot);
  void close_all();
  bool lent(u32 slot) const { return slot < kMaxSlots && (lent_[slot / 64] >> (slot % 64) & 1) != 0; }

 private:
  i32 entries_[kMaxSlots] = {};  // fd + 1; 0 is empty
  u64 lent_[kMaxSlots / 64] = {};
};

}  // namespace oci
