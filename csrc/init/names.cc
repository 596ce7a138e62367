// Steps on what a new namespace is to say of itself: names, the loopback device, clocks.
#include "calls.h"
#include "procfs.h"
#include "steps.h"

namespace oci {
namespace {

constexpr u64 kGetFlags = 0x8913;  // SIOCGIFFLAGS
constexpr u64 kSetFlags = 0x8914;  // SIOCSIFFLAGS
constexpr u16 kInterfaceUp = 1;    // IFF_UP

struct InterfaceRequest {
  char name[16];
  u16 flags;
  u8 rest[22];
};
static_assert(sizeof(InterfaceRequest) == 40);

}  // namespace

namespace steps {

Result hostname(Context&, const Record& r) {
  Str name = r.str(f::hostname::name);
  return check(Sys::sethostname_, sys::call(__NR_sethostname, name.data, name.size));
}

Result domainname(Context&, const Record& r) {
  Str name = r.str(f::domainname::name);
  return check(Sys::setdomainname_, sys::call(__NR_setdomainname, name.data, name.size));
}

Result loopback(Context&, const Record&) {
  Fd fd(sys::socket(kAfInet, kSockDgram | kSockCloexec, 0));
  // A kernel without IPv4 has the same requests for every family.
  if (!fd.valid()) fd.reset(sys::socket(kAfUnix, kSockDgram | kSockCloexec, 0));
  if (!fd.valid()) return oci::fail(Sys::socket_, fd.get());
  InterfaceRequest request = {{'l', 'o'}, 0, {}};
  OCI_TRY(check(Sys::ioctl_, sys::ioctl(fd.get(), kGetFlags, &request)));
  if ((request.flags & kInterfaceUp) != 0) return done();
  request.flags |= kInterfaceUp;
  return check(Sys::ioctl_, sys::ioctl(fd.get(), kSetFlags, &request));
}

Result timeOffset(Context& ctx, const Record& r) {
  FixedString<80> text;
  text.num(r.num(f::timeOffset::clock)).add(' ').snum(r.snum(f::timeOffset::secs)).add(' ');
  text.num(r.num(f::timeOffset::nanosecs)).add('\n');
  return write_own_proc(ctx, "/proc/self/timens_offsets", text);
}

}  // namespace steps
}  // namespace oci
