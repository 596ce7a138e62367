// PIDFD_GET_INFO of linux/pidfd.h (Linux 6.13; the exit code since 6.15), which most build machines don't
// have yet.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>

namespace oci::addon {

struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroupid;
  uint32_t pid;
  uint32_t tgid;
  uint32_t ppid;
  uint32_t ids[8];
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);

inline constexpr uint64_t kPidfdInfoExit = 1 << 3;
inline constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

}  // namespace oci::addon
