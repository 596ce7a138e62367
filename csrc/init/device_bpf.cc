// Device rules of cgroup v2: a BPF program on the cgroup.
#include <linux/bpf.h>

#include "cgroup_util.h"
#include "steps.h"

namespace oci {
namespace {

constexpr u32 kMostPrograms = 64;

long bpf(u32 command, bpf_attr& attr) {
  return sys::call(__NR_bpf, command, &attr, sizeof(attr));
}

void clear(bpf_attr& attr) {
  __builtin_memset(&attr, 0, sizeof(attr));
}

u64 address(const void* pointer) {
  return reinterpret_cast<u64>(pointer);
}

long load(Bytes insns) {
  bpf_attr attr;
  clear(attr);
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = address(insns.data);
  attr.insn_cnt = static_cast<u32>(insns.size / sizeof(bpf_insn));
  attr.license = address("Apache-2.0");
  return bpf(BPF_PROG_LOAD, attr);
}

long attach(int cgroup, int program) {
  bpf_attr attr;
  clear(attr);
  attr.target_fd = static_cast<u32>(cgroup);
  attr.attach_bpf_fd = static_cast<u32>(program);
  attr.attach_type = BPF_CGROUP_DEVICE;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  return bpf(BPF_PROG_ATTACH, attr);
}

struct Attached {
  u32 ids[kMostPrograms];
  u32 count = kMostPrograms;
  u32 flags = 0;
};

long query(int cgroup, Attached& out) {
  bpf_attr attr;
  clear(attr);
  attr.query.target_fd = static_cast<u32>(cgroup);
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_ids = address(out.ids);
  attr.query.prog_cnt = kMostPrograms;
  long rc = bpf(BPF_PROG_QUERY, attr);
  out.count = attr.query.prog_cnt;
  out.flags = attr.query.attach_flags;
  return rc;
}

long detach(int cgroup, u32 id) {
  bpf_attr attr;
  clear(attr);
  attr.prog_id = id;
  Fd program(bpf(BPF_PROG_GET_FD_BY_ID, attr));
  if (!program.valid()) return program.get() == -ENOENT ? 0 : program.get();
  clear(attr);
  attr.target_fd = static_cast<u32>(cgroup);
  attr.attach_bpf_fd = static_cast<u32>(program.get());
  attr.attach_type = BPF_CGROUP_DEVICE;
  long rc = bpf(BPF_PROG_DETACH, attr);
  return rc == -ENOENT ? 0 : rc;
}

long detach_all(int cgroup, const Attached& old) {
  for (u32 i = 0; i < old.count; i++) {
    long rc = detach(cgroup, old.ids[i]);
    if (rc < 0) return rc;
  }
  return 0;
}

}  // namespace

namespace steps {

Result deviceBpf(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::deviceBpf::dir, dir));
  Str path = r.str(f::deviceBpf::path);
  Bytes insns = r.bytes(f::deviceBpf::insns);
  if (insns.size == 0 || insns.size % sizeof(bpf_insn) != 0)
    return ctx.refuse(EINVAL, "no whole BPF program");
  Fd cgroup(open_cgroup(dir, path.c()));
  if (!cgroup.valid()) return ctx.failed_on(Sys::openat_, cgroup.get(), path);
  Fd program(load(insns));
  if (!program.valid()) return ctx.failed_on(Sys::bpf_, program.get(), "loading the device program");
  Attached old;
  long rc = query(cgroup.get(), old);
  if (rc < 0) return ctx.failed_on(Sys::bpf_, rc, "asking for attached device programs");
  // One that allows no other beside it must go first.
  bool alone = old.count > 0 && (old.flags & BPF_F_ALLOW_MULTI) == 0;
  if (alone) {
    rc = detach_all(cgroup.get(), old);
    if (rc < 0) return ctx.failed_on(Sys::bpf_, rc, "detaching an old device program");
  }
  rc = attach(cgroup.get(), program.get());
  if (rc < 0) return ctx.failed_on(Sys::bpf_, rc, "attaching the device program");
  if (!alone) rc = detach_all(cgroup.get(), old);
  return rc < 0 ? ctx.failed_on(Sys::bpf_, rc, "detaching an old device program") : done();
}

}  // namespace steps
}  // namespace oci
