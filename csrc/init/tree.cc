// Removes whole trees by fds, never across a mount and never through a symlink.
#include "file_util.h"
#include "path.h"
#include "steps.h"

namespace oci {
namespace {

constexpr u32 kMostLevels = 128;
constexpr u32 kMostRounds = 16;

class TreeRemoval {
 public:
  explicit TreeRemoval(Context& ctx) : ctx_(ctx) {}

  // Removes the entry `name` of the directory `parent`, whatever it is. `type` as in a Dirent.
  Result remove(int parent, const char* name, u8 type) {
    if (type != kDtDir) {
      long rc = sys::unlinkat(parent, name, 0);
      if (rc == 0 || rc == -ENOENT) return done();
      // EPERM is what POSIX says for directories.
      if (rc != -EISDIR && rc != -EPERM) return ctx_.failed_on(Sys::unlinkat_, rc, name);
      if (type != kDtUnknown) return ctx_.failed_on(Sys::unlinkat_, rc, name);
    }
    if (level_ == kMostLevels) return ctx_.failed_on(Sys::openat2_, -ELOOP, "the tree is too deep");
    level_++;
    Result result = remove_directory(parent, name);
    level_--;
    return result;
  }

 private:
  Result remove_directory(int parent, const char* name) {
    constexpr u64 flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    constexpr u64 resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    long rc = open_resolved(parent, name, flags, 0, resolve);
    if (rc == -ENOENT) return done();
    if (rc < 0) return ctx_.failed_on(Sys::openat2_, rc, name);
    Directory directory{Fd(rc)};
    // Somebody may still make something in it.
    for (u32 round = 0; round < kMostRounds; round++) {
      OCI_TRY(empty(directory, name));
      rc = sys::unlinkat(parent, name, AT_REMOVEDIR);
      if (rc != -ENOTEMPTY) break;
    }
    if (rc < 0 && rc != -ENOENT) return ctx_.failed_on(Sys::unlinkat_, rc, name);
    return done();
  }

  Result empty(Directory& directory, const char* name) {
    // A listing may skip entries while others are removed: again, until it finds nothing.
    for (bool again = true; again;) {
      again = false;
      long error;
      while (const Dirent* entry = directory.next(error)) {
        again = true;
        OCI_TRY(remove(directory.fd(), entry->name(), entry->type));
      }
      if (error < 0) return ctx_.failed_on(Sys::getdents64_, error, name);
      directory.rewind();
    }
    return done();
  }

  Context& ctx_;
  u32 level_ = 0;
};

}  // namespace

namespace steps {

Result removeTree(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::removeTree::dir, dir));
  Fd parent;
  FixedString<256> leaf;
  Result result = open_parent(ctx, dir, r.str(f::removeTree::path), 0, parent, leaf);
  if (result.error == ENOENT) return done();
  if (result.failed()) return result;
  return TreeRemoval(ctx).remove(parent.get(), leaf.c(), kDtUnknown);
}

}  // namespace steps
}  // namespace oci
