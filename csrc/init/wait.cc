#include "wait.h"

#include "calls.h"

namespace oci {

void sleep_us(u64 us) {
  TimeSpec time = {static_cast<i64>(us / 1000000), static_cast<i64>(us % 1000000 * 1000)};
  (void)sys::nanosleep(&time);
}

bool Backoff::pause() {
  u64 left = deadline_.left();
  if (left == 0) return false;
  sleep_us(us_ * 1000 < left ? us_ : left / 1000 + 1);
  us_ = us_ < 10000 ? us_ * 2 : 20000;
  return true;
}

}  // namespace oci
