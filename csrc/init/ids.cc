// Steps on credentials: ids, capabilities, keyring, dumpability.
#include "calls.h"
#include "exec.h"
#include "steps.h"
#include "talk.h"

namespace oci {
namespace {

constexpr u64 kMostCaps = 64;

struct CapHeader {
  u32 version;
  i32 pid;
};
struct CapData {
  u32 effective;
  u32 permitted;
  u32 inheritable;
};

// All capabilities that this kernel knows: they have no gaps.
u64 known_caps() {
  u64 low = 0;
  u64 high = kMostCaps;
  while (low < high) {
    u64 middle = (low + high) / 2;
    if (sys::prctl(PR_CAPBSET_READ, middle) >= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == kMostCaps ? ~u64{0} : (u64{1} << low) - 1;
}

Result unmapped(Context& ctx, Sys call, long rc, const char* what, u64 id) {
  if (rc == -EINVAL) ctx.text.set(what).add(" ").num(id).add(" is not mapped in the user namespace");
  return fail(call, rc);
}

Result set_groups(Context& ctx, const NumList& groups) {
  u32 inline_ids[256];
  u32* ids = inline_ids;
  // As many pointers hold twice as many ids.
  if (groups.size() > 256) ids = reinterpret_cast<u32*>(pointer_array(groups.size()));
  if (ids == nullptr) return fail(Sys::mmap_, -ENOMEM);
  for (u32 i = 0; i < groups.size(); i++) {
    if (groups[i] > 0xfffffffe) return unmapped(ctx, Sys::setgroups_, -EINVAL, "group", groups[i]);
    ids[i] = static_cast<u32>(groups[i]);
  }
  long rc = sys::call(__NR_setgroups, groups.size(), ids);
  if (rc == -EINVAL)
    return ctx.failed_on(Sys::setgroups_, rc, "an additional group is not mapped in the user namespace");
  if (rc == -EPERM) return ctx.failed_on(Sys::setgroups_, rc, "additional groups cannot be set here");
  return check(Sys::setgroups_, rc);
}

Result raise_ambient(const Context& ctx, u64 mask) {
  constexpr u64 kRaise = 2;
  constexpr u64 kClearAll = 4;
  OCI_TRY(check(Sys::prctl_, sys::prctl(PR_CAP_AMBIENT, kClearAll)));
  for (u64 cap = 0; cap < kMostCaps; cap++) {
    if ((mask >> cap & 1) == 0) continue;
    if (sys::prctl(PR_CAP_AMBIENT, kRaise, cap) >= 0) continue;
    FixedString<96> text;
    text.add("capability ").num(cap).add(" cannot be ambient: it is not both permitted and inheritable");
    warn(ctx, text);
  }
  return done();
}

}  // namespace

namespace steps {

Result setIds(Context& ctx, const Record& r) {
  u64 uid = r.num(f::setIds::uid);
  u64 gid = r.num(f::setIds::gid);
  bool keep_caps = r.flag(f::setIds::keepCaps);
  if (uid > 0xfffffffe) return unmapped(ctx, Sys::setresuid_, -EINVAL, "user", uid);
  if (gid > 0xfffffffe) return unmapped(ctx, Sys::setresgid_, -EINVAL, "group", gid);
  if (keep_caps) OCI_TRY(check(Sys::prctl_, sys::prctl(PR_SET_KEEPCAPS, 1)));
  if (!r.flag(f::setIds::keepGroups)) OCI_TRY(set_groups(ctx, r.nums(f::setIds::groups)));
  long rc = sys::call(__NR_setresgid, gid, gid, gid);
  if (rc < 0) return unmapped(ctx, Sys::setresgid_, rc, "group", gid);
  rc = sys::call(__NR_setresuid, uid, uid, uid);
  if (rc < 0) return unmapped(ctx, Sys::setresuid_, rc, "user", uid);
  return keep_caps ? check(Sys::prctl_, sys::prctl(PR_SET_KEEPCAPS, 0)) : done();
}

Result boundingCaps(Context& ctx, const Record& r) {
  u64 mask = r.num(f::boundingCaps::mask);
  for (u64 cap = 0; cap < kMostCaps; cap++) {
    if ((mask >> cap & 1) != 0) continue;
    long rc = sys::prctl(PR_CAPBSET_DROP, cap);
    if (rc >= 0) continue;
    // EINVAL: beyond the last that this kernel knows. Whoever may drop none may still have none to drop.
    long bounded = sys::prctl(PR_CAPBSET_READ, cap);
    if (bounded < 0) break;
    if (bounded > 0)
      return ctx.failed_on(Sys::prctl_, rc, "dropping from the bounding set needs CAP_SETPCAP");
  }
  return done();
}

Result caps(Context& ctx, const Record& r) {
  u64 known = known_caps();
  u64 sets[3] = {r.num(f::caps::effective) & known, r.num(f::caps::permitted) & known,
                 r.num(f::caps::inheritable) & known};
  CapHeader header = {_LINUX_CAPABILITY_VERSION_3, 0};
  CapData data[2];
  for (u32 i = 0; i < 2; i++) {
    data[i] = CapData{static_cast<u32>(sets[0] >> (32 * i)), static_cast<u32>(sets[1] >> (32 * i)),
                      static_cast<u32>(sets[2] >> (32 * i))};
  }
  long rc = sys::call(__NR_capset, &header, data);
  if (rc == -EPERM)
    return ctx.failed_on(Sys::capset_, rc, "a wanted capability is not in this process's own sets");
  OCI_TRY(check(Sys::capset_, rc));
  return raise_ambient(ctx, r.num(f::caps::ambient) & known);
}

Result noNewPrivs(Context&, const Record&) {
  return check(Sys::prctl_, sys::prctl(PR_SET_NO_NEW_PRIVS, 1));
}

Result dumpable(Context&, const Record& r) {
  return check(Sys::prctl_, sys::prctl(PR_SET_DUMPABLE, r.flag(f::dumpable::on) ? 1 : 0));
}

Result keyring(Context& ctx, const Record& r) {
  constexpr int kJoinSession = 1;
  constexpr int kSetPermissions = 5;
  constexpr int kDescribe = 6;
  constexpr u32 kPossessorSearch = 0x08000000;
  constexpr u32 kUserSearch = 0x00080000;
  long id = sys::call(__NR_keyctl, kJoinSession, r.str(f::keyring::name).c());
  if ((id == -EDQUOT || id == -EPERM) && r.flag(f::keyring::mayFail)) {
    FixedString<256> text;
    text.add("no session keyring of its own, the caller's stays: ");
    text.add(id == -EPERM ? "keyctl(2) is forbidden here"
                          : "the user has too many keys (kernel.keys.maxkeys, kernel.keys.maxbytes)");
    warn(ctx, text);
    return done();
  }
  if (id < 0) return ctx.failed_on(Sys::keyctl_, id, "joining a session keyring");
  // "type;uid;gid;permissions in hex;name"
  char text[512];
  long n = sys::call(__NR_keyctl, kDescribe, id, text, sizeof(text));
  if (n < 0) return ctx.failed_on(Sys::keyctl_, n, "describing the session keyring");
  Str whole(text,
            static_cast<usize>(n < static_cast<long>(sizeof(text)) ? n : static_cast<long>(sizeof(text))));
  usize at = 0;
  for (int i = 0; i < 3; i++) at = whole.find(';', at) + 1;
  u32 permissions = 0;
  for (; at < whole.size && whole[at] != ';'; at++) {
    char ch = whole[at];
    u32 digit = ch <= '9' ? static_cast<u32>(ch - '0') : static_cast<u32>((ch | 0x20) - 'a' + 10);
    if (digit > 15) break;
    permissions = permissions << 4 | digit;
  }
  permissions |= kPossessorSearch | kUserSearch;
  long rc = sys::call(__NR_keyctl, kSetPermissions, id, permissions);
  return rc < 0 ? ctx.failed_on(Sys::keyctl_, rc, "giving permissions to the session keyring") : done();
}

Result chownStdio(Context& ctx, const Record& r) {
  u32 uid = r.num32(f::chownStdio::uid);
  for (int fd = 0; fd < 3; fd++) {
    struct statx info = {};
    if (sys::statx_fd(fd, STATX_TYPE | STATX_UID, &info) < 0) continue;
    u32 type = info.stx_mode & S_IFMT;
    if (type == S_IFCHR || type == S_IFBLK || info.stx_uid == uid) continue;
    long rc = sys::fchown(fd, uid, ~0u);
    // EINVAL: the file's owner has no number here, so it is not ours to give away.
    if (rc < 0 && rc != -EPERM && rc != -EROFS && rc != -EINVAL) {
      return ctx.failed_on(Sys::fchown_, rc, "giving the standard streams to the user");
    }
  }
  return done();
}

}  // namespace steps
}  // namespace oci
