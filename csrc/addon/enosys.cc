#include "enosys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "libseccomp.h"

namespace oci::addon {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint32_t kArmPrivate = 0x0f0000;
constexpr uint32_t kNumberAt = 0;  // offsets in struct seccomp_data
constexpr uint32_t kArchAt = 4;

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kIfGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr uint16_t kIfAtLeast = BPF_JMP | BPF_JGE | BPF_K;
constexpr uint16_t kJump = BPF_JMP | BPF_JA;
constexpr uint16_t kReturn = BPF_RET | BPF_K;

constexpr BpfInsn insn(uint16_t code, uint32_t k, uint8_t jt = 0, uint8_t jf = 0) {
  return {code, jt, jf, k};
}

// "If the number is above `highest`, ENOSYS." Falls out at its end. 2 instructions.
void add_limit(std::vector<BpfInsn>& out, uint32_t highest) {
  out.push_back(insn(kIfGreater, highest, 0, 1));
  out.push_back(insn(kReturn, SECCOMP_RET_ERRNO | ENOSYS));
}

// What an architecture does with its number. x86_64 and x32 share one, told apart by a bit.
struct Section {
  uint32_t audit_arch;
  const uint32_t* low = nullptr;   // limit of the numbers below `split`
  const uint32_t* high = nullptr;  // of those from `split` on; none: they are left to the filter
  uint32_t split = 0;              // 0: all are low
};

std::vector<BpfInsn> section_body(const Section& s) {
  std::vector<BpfInsn> low, high;
  if (s.low != nullptr) add_limit(low, *s.low);
  if (s.high != nullptr) add_limit(high, *s.high);
  std::vector<BpfInsn> body = {insn(kLoad, kNumberAt)};
  if (s.split != 0) {
    // Over the low part, and the jump at its end that leads over the high one.
    body.push_back(insn(kIfAtLeast, s.split, static_cast<uint8_t>(low.size() + 1), 0));
    low.push_back(insn(kJump, static_cast<uint32_t>(high.size())));
  }
  body.insert(body.end(), low.begin(), low.end());
  body.insert(body.end(), high.begin(), high.end());
  return body;
}

std::vector<Section> make_sections(const std::vector<ArchLimit>& limits) {
  std::vector<Section> sections;
  const uint32_t *x86_64 = nullptr, *x32 = nullptr;
  for (const ArchLimit& limit : limits) {
    if (limit.arch == AUDIT_ARCH_X86_64) {
      x86_64 = &limit.highest;
    } else if (limit.arch == kScmpArchX32) {
      x32 = &limit.highest;
    } else {
      uint32_t split = limit.arch == AUDIT_ARCH_ARM || limit.arch == AUDIT_ARCH_ARMEB ? kArmPrivate : 0;
      sections.push_back({limit.arch, &limit.highest, nullptr, split});
    }
  }
  if (x86_64 != nullptr || x32 != nullptr) sections.push_back({AUDIT_ARCH_X86_64, x86_64, x32, kX32Bit});
  return sections;
}

}  // namespace

bool counts_for_limit(uint32_t arch, int number) {
  if (number < 0) return false;
  bool arm = arch == AUDIT_ARCH_ARM || arch == AUDIT_ARCH_ARMEB;
  return !arm || static_cast<uint32_t>(number) < kArmPrivate;
}

// load arch; then per section: if it is not this one, over its body; the body; jump to the filter. The last
// section needs no jump. Built from the end, since jumps go forward only.
std::vector<BpfInsn> enosys_prelude(const std::vector<ArchLimit>& limits) {
  std::vector<BpfInsn> rest;
  std::vector<Section> sections = make_sections(limits);
  for (const Section& s : sections) {
    std::vector<BpfInsn> part = section_body(s);
    if (!rest.empty()) part.push_back(insn(kJump, static_cast<uint32_t>(rest.size())));
    part.insert(part.begin(), insn(kIfEqual, s.audit_arch, 0, static_cast<uint8_t>(part.size())));
    part.insert(part.end(), rest.begin(), rest.end());
    rest = std::move(part);
  }
  if (!rest.empty()) rest.insert(rest.begin(), insn(kLoad, kArchAt));
  return rest;
}

}  // namespace oci::addon
