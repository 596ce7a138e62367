// What the addon exports: lib/native.ts documents each.
#pragma once

#include <napi.h>

namespace oci::addon {

void init_run(Napi::Env env, Napi::Object exports);      // run, report
void init_poll(Napi::Env env, Napi::Object exports);     // poll
void init_sockets(Napi::Env env, Napi::Object exports);  // recv, send, connect…, bindDatagram
void init_fds(Napi::Env env, Napi::Object exports);      // pipe, memfd, eventfd, close, dup, …
void init_pidfd(Napi::Env env,
                Napi::Object exports);  // pidfdOpen, pidfdSignal, pidfdExit, becomeSubreaper, reap
void init_facts(Napi::Env env, Napi::Object exports);    // facts
void init_seccomp(Napi::Env env, Napi::Object exports);  // seccompCompile, seccompVersion

}  // namespace oci::addon
