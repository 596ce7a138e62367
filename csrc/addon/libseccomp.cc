#include "libseccomp.h"

#include <dlfcn.h>

#include "lock.h"

namespace oci::addon {
namespace {

struct State {
  Mutex mutex;
  bool tried = false;
  LibSeccomp functions{};
  const char* error = nullptr;
};
constinit State state;

template <class F>
bool find(void* library, const char* name, F& out) {
  out = reinterpret_cast<F>(dlsym(library, name));
  return out != nullptr;
}

const char* load(LibSeccomp& f) {
  // Never closed: the functions stay in use.
  void* library = dlopen("libseccomp.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return "libseccomp.so.2 can't be loaded: is the package libseccomp2 (libseccomp) installed?";
  bool complete =
      find(library, "seccomp_init", f.init) && find(library, "seccomp_release", f.release) &&
      find(library, "seccomp_arch_add", f.arch_add) && find(library, "seccomp_arch_exist", f.arch_exist) &&
      find(library, "seccomp_arch_native", f.arch_native) && find(library, "seccomp_attr_set", f.attr_set) &&
      find(library, "seccomp_syscall_resolve_name", f.resolve_name) &&
      find(library, "seccomp_syscall_resolve_name_arch", f.resolve_name_arch) &&
      find(library, "seccomp_rule_add_array", f.rule_add_array) &&
      find(library, "seccomp_export_bpf", f.export_bpf) && find(library, "seccomp_version", f.version);
  return complete ? nullptr : "libseccomp.so.2 is too old: at least 2.3 is needed";
}

}  // namespace

const LibSeccomp* LibSeccomp::get(const char*& error) {
  Lock lock(state.mutex);
  if (!state.tried) {
    state.error = load(state.functions);
    state.tried = true;
  }
  error = state.error;
  return error == nullptr ? &state.functions : nullptr;
}

}  // namespace oci::addon
