#include "slots.h"

#include "calls.h"

namespace oci {

void close_fd(int fd) {
  if (fd >= 0) (void)sys::close(fd);
}

bool Slots::put(u32 slot, int fd) {
  if (slot >= kMaxSlots) {
    close_fd(fd);
    return false;
  }
  if (get(slot) != fd || lent(slot)) close(slot);
  entries_[slot] = fd + 1;
  return true;
}

bool Slots::lend(u32 slot, int fd) {
  if (slot >= kMaxSlots) return false;
  close(slot);
  entries_[slot] = fd + 1;
  lent_[slot / 64] |= u64{1} << (slot % 64);
  return true;
}

int Slots::take(u32 slot) {
  int fd = get(slot);
  if (fd < 0 || lent(slot)) return -1;
  entries_[slot] = 0;
  return fd;
}

bool Slots::close(u32 slot) {
  int fd = get(slot);
  if (fd < 0) return false;
  if (!lent(slot)) close_fd(fd);
  entries_[slot] = 0;
  lent_[slot / 64] &= ~(u64{1} << (slot % 64));
  return true;
}

void Slots::close_all() {
  for (u32 slot = 0; slot < kMaxSlots; slot++) close(slot);
}

}  // namespace oci
