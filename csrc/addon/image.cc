#include "image.h"

#include <pthread.h>

#include "../init/calls.h"

extern "C" {
extern const oci::u8 oci_init_image[];
extern const oci::u8 oci_init_image_end[];
}

namespace oci {
namespace {

constexpr int kSealExec = 0x20;  // F_SEAL_EXEC, Linux 6.3
constexpr int kOTmpfile = 020000000 | O_DIRECTORY;

usize image_size() {
  return static_cast<usize>(oci_init_image_end - oci_init_image);
}

Result write_image(int fd) {
  for (usize at = 0; at < image_size();) {
    long n = sys::write(fd, oci_init_image + at, image_size() - at);
    if (n <= 0) return fail(Sys::write_, n);
    at += static_cast<usize>(n);
  }
  return done();
}

// A memfd that nobody can ever write to again, not even through the /proc/self/exe of a container.
Result make_sealed(int& out) {
  constexpr u32 flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  long rc = sys::memfd_create("oci-ts-init", flags | MFD_EXEC);
  if (rc == -EINVAL) rc = sys::memfd_create("oci-ts-init", flags);  // before Linux 6.3
  if (rc < 0) return fail(Sys::memfd_create_, rc);
  Fd fd(rc);
  OCI_TRY(write_image(fd.get()));
  OCI_TRY(check(Sys::fchmod_, sys::fchmod(fd.get(), 0555)));
  // F_SEAL_EXEC is extra; kernels without it refuse the whole call, so it comes first and alone.
  (void)sys::fcntl(fd.get(), F_ADD_SEALS, kSealExec);
  constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  OCI_TRY(check(Sys::fcntl_, sys::fcntl(fd.get(), F_ADD_SEALS, seals)));
  out = fd.release();
  return done();
}

// Where vm.memfd_noexec forbids executable memfds: a file without a name. It could be opened for writing
// through /proc/self/exe, so each launch has one of its own.
Result make_unlinked(Context& ctx, Fd& out) {
  static constexpr const char* kDirectories[] = {"/run", "/var/tmp", "/tmp", "/dev/shm"};
  Result last = ctx.refuse(EACCES, "executable memfds are forbidden (vm.memfd_noexec)");
  for (const char* directory : kDirectories) {
    constexpr i64 kStNoexec = 8;
    StatFs fs;
    Fd place(sys::openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY));
    if (!place.valid() || sys::fstatfs(place.get(), &fs) < 0 || (fs.flags & kStNoexec) != 0) continue;
    Fd writable(sys::openat(place.get(), ".", kOTmpfile | O_RDWR | O_EXCL, 0500));
    if (!writable.valid()) continue;
    last = write_image(writable.get());
    if (last.failed()) continue;
    // The mode may have suffered from the umask.
    (void)sys::fchmod(writable.get(), 0500);
    FixedString<64> path;
    path.add("/proc/self/fd/").num(static_cast<u64>(writable.get()));
    long rc = sys::openat(AT_FDCWD, path.c(), O_RDONLY);
    last = check(Sys::openat_, rc);
    if (last.failed()) continue;
    out.reset(rc);
    return done();  // closes `writable`: an open writer would make the exec ETXTBSY
  }
  return last;
}

pthread_mutex_t image_mutex = PTHREAD_MUTEX_INITIALIZER;
int sealed_image = -1;
bool memfd_forbidden = false;

}  // namespace

Result open_image(Context& ctx, int& fd, Fd& owned) {
  Result result;
  pthread_mutex_lock(&image_mutex);
  if (sealed_image < 0 && !memfd_forbidden) {
    result = make_sealed(sealed_image);
    memfd_forbidden = result.error == EACCES || result.error == EPERM;
  }
  fd = sealed_image;
  bool forbidden = memfd_forbidden;
  pthread_mutex_unlock(&image_mutex);
  if (!forbidden) return result;
  OCI_TRY(make_unlinked(ctx, owned));
  fd = owned.get();
  return done();
}

}  // namespace oci
