// New filesystems: fsopen(2) to fsmount(2), or mount(2) where those can't.
#include "attach.h"
#include "calls.h"
#include "copyup.h"
#include "legacy.h"
#include "steps.h"

namespace oci {

namespace {

namespace fld = f::mountFs;

// Longest key or value that fsconfig(2) takes.
constexpr usize kMostConfigString = 255;

struct Creation {
  int root;
  Str fstype;
  Str source;
  StrList sb_flags;
  StrList data;
  u64 attrs;
  bool writable;  // leave out `ro` for now
};

// The kernel's own words about what went wrong: messages "e text", one a read.
void add_kernel_log(Context& ctx, int fs) {
  FixedString<512> line;
  for (int i = 0; i < 4; i++) {
    long n = sys::read(fs, line.data(), line.capacity() - 1);
    if (n <= 2) return;
    usize size = static_cast<usize>(n);
    if (line.data()[size - 1] == '\n') size--;
    line.set_size(size);
    if (line.c()[0] == 'e' || line.c()[0] == 'w') ctx.text.add(": ").add(line.str().from(2));
  }
}

Result config_failed(Context& ctx, int fs, long rc, Str what) {
  ctx.text.set(what);
  add_kernel_log(ctx, fs);
  return fail(Sys::fsconfig_, rc);
}

// Flags that are not of the filesystem context: harmless, or only mount(2) has them.
bool beyond_context(Str name) {
  return name == Str("silent") || name == Str("loud") || name == Str("iversion") || name == Str("noiversion");
}

Result set_option(Context& ctx, int fs, Str option) {
  usize at = option.find('=');
  long rc;
  if (at == option.size) {
    rc = sys::fsconfig(fs, FSCONFIG_SET_FLAG, option.c(), nullptr, 0);
  } else {
    FixedString<kMostConfigString + 1> key;
    key.add(option.slice(0, at));
    rc = sys::fsconfig(fs, FSCONFIG_SET_STRING, key.c(), option.from(at + 1).c(), 0);
  }
  return rc < 0 ? config_failed(ctx, fs, rc, option) : done();
}

Result configure(Context& ctx, int fs, const Creation& make) {
  if (!make.source.empty()) {
    long rc = sys::fsconfig(fs, FSCONFIG_SET_STRING, "source", make.source.c(), 0);
    if (rc < 0) return config_failed(ctx, fs, rc, make.source);
  }
  for (u32 i = 0; i < make.sb_flags.size(); i++) {
    Str name = make.sb_flags[i];
    if (beyond_context(name) || (make.writable && name == Str("ro"))) continue;
    OCI_TRY(set_option(ctx, fs, name));
  }
  for (u32 i = 0; i < make.data.size(); i++) OCI_TRY(set_option(ctx, fs, make.data[i]));
  long rc = sys::fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  return rc < 0 ? config_failed(ctx, fs, rc, make.fstype) : done();
}

Result create_by_context(Context& ctx, const Creation& make, Fd& out) {
  long rc = sys::fsopen(make.fstype.c(), FSOPEN_CLOEXEC);
  if (rc < 0) return ctx.failed_on(Sys::fsopen_, rc, make.fstype);
  Fd fs(rc);
  OCI_TRY(configure(ctx, fs.get(), make));
  rc = sys::fsmount(fs.get(), FSMOUNT_CLOEXEC, static_cast<u32>(make.attrs));
  if (rc < 0) {
    ctx.text.set(make.fstype);
    add_kernel_log(ctx, fs.get());
    return fail(Sys::fsmount_, rc);
  }
  out.reset(rc);
  return done();
}

// A label may hold commas, which mount(2) takes only in quotes.
void add_option(PathBuffer& data, Str option) {
  usize at = option.find('=');
  bool label = option.starts_with("context=") || option.starts_with("fscontext=") ||
               option.starts_with("defcontext=") || option.starts_with("rootcontext=");
  if (!data.empty()) data.add(',');
  if (label && option.contains(',') && option[at + 1] != '"') {
    data.add(option.slice(0, at + 1)).add('"').add(option.from(at + 1)).add('"');
  } else {
    data.add(option);
  }
}

Result create_by_mount(Context& ctx, const Creation& make, Fd& out) {
  u64 flags = ms_flags_of(make.attrs & ~u64{MOUNT_ATTR_RDONLY});
  PathBuffer data;
  for (u32 i = 0; i < make.sb_flags.size(); i++) {
    Str name = make.sb_flags[i];
    if (make.writable && name == Str("ro")) continue;
    if (!ms_flag_of_name(name, flags)) add_option(data, name);
  }
  for (u32 i = 0; i < make.data.size(); i++) add_option(data, make.data[i]);
  if (data.truncated()) return ctx.refuse(E2BIG, "more than a page of options for ", make.fstype);
  return legacy_mount_aside(ctx, make.root, make.fstype, make.source, flags, data, out);
}

bool beyond_strings(const Creation& make) {
  if (make.source.size > kMostConfigString) return true;
  for (u32 i = 0; i < make.sb_flags.size(); i++) {
    if (make.sb_flags[i] == Str("iversion")) return true;
  }
  for (u32 i = 0; i < make.data.size(); i++) {
    Str option = make.data[i];
    usize at = option.find('=');
    if (at > kMostConfigString || option.size > at + 1 + kMostConfigString) return true;
  }
  return false;
}

// The new filesystem's mount, not where it shall be yet. `attrs` that could not be set are in `rest`.
Result create(Context& ctx, const Creation& make, Fd& out, u64& rest) {
  rest = 0;
  Result first = done();
  if (!beyond_strings(make)) {
    first = create_by_context(ctx, make, out);
    if (first.ok()) return first;
    bool context_only = first.error == EINVAL || first.error == ENOSYS || first.error == EOPNOTSUPP;
    bool filtered = first.error == EPERM && first.sys == Sys::fsopen_;
    if (!context_only && !filtered) return first;
  }
  FixedString<1024> said;
  said.add(ctx.text.str());
  Result second = create_by_mount(ctx, make, out);
  rest = make.attrs & MOUNT_ATTR_RDONLY;
  if (second.ok()) {
    ctx.text.clear();
    return second;
  }
  if (first.ok()) return second;
  // The older call only says EINVAL where the newer one gave reasons.
  ctx.text.set(said);
  return first.error == EINVAL || second.error == EPERM ? first : second;
}

bool has_option(StrList data, Str key) {
  for (u32 i = 0; i < data.size(); i++) {
    if (data[i].starts_with(key)) return true;
  }
  return false;
}

// The mode and owner of what is covered.
Result inherit(Context& ctx, int mount, const FileId& covered, StrList data) {
  FileId own;
  OCI_TRY(identify(ctx, mount, own));
  u32 uid = has_option(data, "uid=") ? own.uid : covered.uid;
  u32 gid = has_option(data, "gid=") ? own.gid : covered.gid;
  if (uid != own.uid || gid != own.gid) {
    long rc = sys::fchownat(mount, "", uid, gid, AT_EMPTY_PATH);
    // The owner may not be mapped in this user namespace.
    if (rc < 0 && rc != -EINVAL && rc != -EPERM) return fail(Sys::fchownat_, rc);
  }
  if (has_option(data, "mode=")) return done();
  return check(Sys::fchmodat_, sys::fchmodat(mount, ".", covered.mode & 07777));
}

// SELinux's label of the root, for filesystems that take no `context=`.
Result set_label(Context& ctx, int mount, Str label) {
  Fd root(sys::openat(mount, ".", O_RDONLY | O_DIRECTORY));
  if (!root.valid()) return ctx.failed_on(Sys::openat_, root.get(), "the root to be labelled");
  long rc = sys::call(__NR_fsetxattr, root.get(), "security.selinux", label.c(), label.size, 0);
  return rc < 0 && rc != -EOPNOTSUPP ? ctx.failed_on(Sys::setxattr_, rc, label) : done();
}

}  // namespace

Result steps::mountFs(Context& ctx, const Record& r) {
  int root;
  OCI_TRY(slot_fd(ctx, r, fld::root, root));
  Str path = r.str(fld::target);
  Str fstype = r.str(fld::fstype);
  TargetRules rules;
  rules.real_dir = r.flag(fld::realDir);
  rules.over_proc = fstype == Str("proc");
  Fd target;
  bool made;
  OCI_TRY(open_target(ctx, root, path, rules, target, &made));
  FileId covered;
  OCI_TRY(identify(ctx, target.get(), covered));

  bool fill = !made && (r.flag(fld::inheritMode) || r.flag(fld::copyUp));
  u64 attrs = r.num(fld::attrs);
  AttrChange change;
  if (fill) {
    for (u32 i = 0; i < r.strs(fld::sbFlags).size(); i++) {
      if (r.strs(fld::sbFlags)[i] == Str("ro")) change.set = MOUNT_ATTR_RDONLY;
    }
    change.set |= attrs & MOUNT_ATTR_RDONLY;
    attrs &= ~u64{MOUNT_ATTR_RDONLY};
  }
  Fd mount;
  u64 rest;
  Creation make = {root, fstype, r.str(fld::source), r.strs(fld::sbFlags), r.strs(fld::data), attrs, fill};
  OCI_TRY(create(ctx, make, mount, rest));
  change.set |= rest;
  if (fill && r.flag(fld::copyUp)) OCI_TRY(copy_up(ctx, target.get(), mount.get()));
  if (fill && r.flag(fld::inheritMode)) OCI_TRY(inherit(ctx, mount.get(), covered, make.data));
  if (!r.str(fld::label).empty()) OCI_TRY(set_label(ctx, mount.get(), r.str(fld::label)));
  OCI_TRY(finish_mount(ctx, mount.get(), target.get(), path, change, r.nums(fld::propagation)));
  return slot_put(ctx, r, fld::to, static_cast<Fd&&>(mount));
}

}  // namespace oci
