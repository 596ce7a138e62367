// The addon's entry.
#include "../generated/steps.h"
#include "exports.h"
#include "instance.h"

#ifndef OCI_TS_VERSION
#error "OCI_TS_VERSION comes from binding.gyp"
#endif

namespace oci::addon {
namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  if (!Instance::create(env)) return exports;
  exports.Set("abi", Napi::Number::New(env, kPlanAbi));
  exports.Set("version", Napi::String::New(env, OCI_TS_VERSION));
  init_run(env, exports);
  init_poll(env, exports);
  init_sockets(env, exports);
  init_fds(env, exports);
  init_pidfd(env, exports);
  init_facts(env, exports);
  init_seccomp(env, exports);
  return exports;
}

}  // namespace
}  // namespace oci::addon

static Napi::Object oci_ts_init(Napi::Env env, Napi::Object exports) {
  return oci::addon::init(env, exports);
}
NODE_API_MODULE(oci_ts, oci_ts_init)
