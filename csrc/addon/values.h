// Arguments and errors.
//
// lib/ validates before it calls; what is checked here is only what memory safety needs, so that a mistake
// ends in a TypeError and never in a crash.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace oci::addon {

// An Error with `code` (the errno's name), `errno` (positive) and `syscall`.
Napi::Error system_error(Napi::Env env, const char* syscall, int error);

// Throws one.
void throw_system_error(Napi::Env env, const char* syscall, int error);

// An int32 argument (TypeError and `fallback` otherwise: see the pending exception).
int int_argument(const Napi::CallbackInfo& info, size_t index, int fallback = -1);

// A view of a Uint8Array argument. False: a TypeError is pending.
struct ByteView {
  const uint8_t* data = nullptr;
  size_t size = 0;
};
bool bytes_argument(const Napi::CallbackInfo& info, size_t index, ByteView& out);
bool string_argument(const Napi::CallbackInfo& info, size_t index, std::string& out);
// An array of int32.
bool ints_argument(const Napi::CallbackInfo& info, size_t index, std::vector<int>& out);

// A Uint8Array with a copy of the bytes.
Napi::Value make_bytes(Napi::Env env, const void* data, size_t size);
Napi::Value make_ints(Napi::Env env, const int* values, size_t count);

const char* errno_name(int error);

}  // namespace oci::addon
