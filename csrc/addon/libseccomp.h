// libseccomp, opened on first use: whoever has no seccomp profile needs no library, and nobody needs its
// headers.
#pragma once

#include <stdint.h>

namespace oci::addon {

// struct scmp_arg_cmp of seccomp.h.
struct ScmpArg {
  unsigned int arg;
  int op;
  uint64_t a;
  uint64_t b;
};
static_assert(sizeof(ScmpArg) == 24);

struct ScmpVersion {
  unsigned int major;
  unsigned int minor;
  unsigned int micro;
};

inline constexpr int kScmpUnknownSyscall = -1;  // __NR_SCMP_ERROR
inline constexpr int kScmpCtlOptimize = 8;      // SCMP_FLTATR_CTL_OPTIMIZE
inline constexpr uint32_t kScmpArchX32 = 0x4000003e;

struct LibSeccomp {
  void* (*init)(uint32_t action);
  void (*release)(void* filter);
  int (*arch_add)(void* filter, uint32_t arch);
  int (*arch_exist)(const void* filter, uint32_t arch);
  uint32_t (*arch_native)();
  int (*attr_set)(void* filter, int attribute, uint32_t value);
  int (*resolve_name)(const char* name);
  int (*resolve_name_arch)(uint32_t arch, const char* name);
  int (*rule_add_array)(void* filter, uint32_t action, int syscall, unsigned int count, const ScmpArg* args);
  int (*export_bpf)(const void* filter, int fd);
  const ScmpVersion* (*version)();

  // The library, or nullptr; `error` then says why.
  static const LibSeccomp* get(const char*& error);
};

}  // namespace oci::addon
