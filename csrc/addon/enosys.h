// A prelude for seccomp filters: system calls that are newer than the profile get ENOSYS.
//
// A profile that lists what is allowed can't know calls that were invented later, and its default answer
// (EPERM, say) misleads C libraries, which try the new call and fall back to the old one only on ENOSYS. So,
// per architecture, numbers above the highest one that the profile names are answered with ENOSYS before the
// filter proper.
#pragma once

#include <stdint.h>

#include <vector>

namespace oci::addon {

// struct sock_filter of linux/filter.h.
struct BpfInsn {
  uint16_t code;
  uint8_t jt;
  uint8_t jf;
  uint32_t k;
};
static_assert(sizeof(BpfInsn) == 8);

// The highest number that a profile names for a libseccomp architecture (SCMP_ARCH_*).
struct ArchLimit {
  uint32_t arch;
  uint32_t highest;
};

// Whether a resolved number counts for the limit of its architecture: not libseccomp's negative pseudo
// numbers, nor the private calls of 32-bit ARM, which lie far above all others.
bool counts_for_limit(uint32_t arch, int number);

// The instructions to put before a filter. Empty if there are no limits.
std::vector<BpfInsn> enosys_prelude(const std::vector<ArchLimit>& limits);

}  // namespace oci::addon
