#include "values.h"

#include <string.h>
#include <uv.h>

namespace oci::addon {
namespace {

// Throwing a second time would be fatal; the first mistake is the one that is told.
bool type_error(Napi::Env env, const char* expected, size_t index) {
  if (env.IsExceptionPending()) return false;
  std::string text = std::string("argument ") + std::to_string(index + 1) + " must be " + expected;
  Napi::TypeError::New(env, text).ThrowAsJavaScriptException();
  return false;
}

}  // namespace

Napi::Error system_error(Napi::Env env, const char* syscall, int error) {
  const char* name = errno_name(error);
  char description[128] = "";
  uv_strerror_r(-error, description, sizeof(description));
  Napi::Error value = Napi::Error::New(env, std::string(name) + ": " + description + ", " + syscall);
  value.Set("errno", Napi::Number::New(env, error));
  value.Set("code", Napi::String::New(env, name));
  value.Set("syscall", Napi::String::New(env, syscall));
  return value;
}

void throw_system_error(Napi::Env env, const char* syscall, int error) {
  system_error(env, syscall, error).ThrowAsJavaScriptException();
}

int int_argument(const Napi::CallbackInfo& info, size_t index, int fallback) {
  Napi::Value value = info[index];
  int32_t number = fallback;
  if (napi_get_value_int32(info.Env(), value, &number) != napi_ok) {
    type_error(info.Env(), "an integer", index);
    return fallback;
  }
  return number;
}

bool bytes_argument(const Napi::CallbackInfo& info, size_t index, ByteView& out) {
  Napi::Value value = info[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    return type_error(info.Env(), "a Uint8Array", index);
  }
  Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  out.data = array.Data();
  out.size = array.ByteLength();
  return true;
}

bool string_argument(const Napi::CallbackInfo& info, size_t index, std::string& out) {
  if (!info[index].IsString()) return type_error(info.Env(), "a string", index);
  out = info[index].As<Napi::String>().Utf8Value();
  if (out.find('\0') != std::string::npos) return type_error(info.Env(), "a string without NUL", index);
  return true;
}

bool ints_argument(const Napi::CallbackInfo& info, size_t index, std::vector<int>& out) {
  if (!info[index].IsArray()) return type_error(info.Env(), "an array of integers", index);
  Napi::Array array = info[index].As<Napi::Array>();
  uint32_t count = array.Length();
  out.clear();
  out.reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    Napi::Value value = array.Get(i);
    int32_t number = 0;
    if (info.Env().IsExceptionPending() || !value.IsNumber() ||
        napi_get_value_int32(info.Env(), value, &number) != napi_ok) {
      return type_error(info.Env(), "an array of integers", index);
    }
    out.push_back(number);
  }
  return true;
}

Napi::Value make_bytes(Napi::Env env, const void* data, size_t size) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, size);
  if (array.IsEmpty()) return env.Undefined();
  if (size > 0) memcpy(array.Data(), data, size);
  return array;
}

Napi::Value make_ints(Napi::Env env, const int* values, size_t count) {
  Napi::Array array = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; i++) array.Set(static_cast<uint32_t>(i), Napi::Number::New(env, values[i]));
  return array;
}

}  // namespace oci::addon
