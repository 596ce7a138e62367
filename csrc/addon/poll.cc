// `poll`: watches one fd in the event loop.
#include <errno.h>
#include <fcntl.h>

#include "../init/slots.h"
#include "exports.h"
#include "instance.h"
#include "values.h"

namespace oci::addon {
namespace {

class PollObject;

// The uv handle with a duplicate of the fd: so the watch neither depends on when the caller closes his, nor
// collides with another watch of it, and a number that is used again is never meant by mistake.
class Watch final : public Handle {
 public:
  static Watch* start(Napi::Object resource, int fd, int events, Napi::Function callback, int& error);
  void shut() override { close(); }
  void close();
  void set_ref(bool on);

  PollObject* object = nullptr;

 private:
  Watch(std::shared_ptr<Instance> instance, Napi::Env env, int fd)
      : Handle(std::move(instance)), env_(env), fd_(fd) {}
  static void on_event(uv_poll_t* poll, int status, int events);
  static void on_closed(uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); }
  void release_script();

  Napi::Env env_;
  Fd fd_;
  uv_poll_t poll_{};
  Napi::FunctionReference callback_;
  std::unique_ptr<Napi::AsyncContext> context_;
  bool closing_ = false;
  bool calling_ = false;
};

// What JavaScript holds. While the watch is open it keeps itself alive.
class PollObject final : public Napi::ObjectWrap<PollObject> {
 public:
  explicit PollObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PollObject>(info) {}
  ~PollObject() override {
    if (watch != nullptr) watch->object = nullptr;
  }
  Napi::Value close(const Napi::CallbackInfo& info) {
    if (watch != nullptr) watch->close();
    return info.Env().Undefined();
  }
  Napi::Value ref(const Napi::CallbackInfo& info) {
    if (watch != nullptr) watch->set_ref(true);
    return info.Env().Undefined();
  }
  Napi::Value unref(const Napi::CallbackInfo& info) {
    if (watch != nullptr) watch->set_ref(false);
    return info.Env().Undefined();
  }

  Watch* watch = nullptr;
};

Watch* Watch::start(Napi::Object resource, int fd, int events, Napi::Function callback, int& error) {
  Napi::Env env = resource.Env();
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {
    error = errno;
    return nullptr;
  }
  auto* watch = new Watch(Instance::of(env), env, copy);
  error = -uv_poll_init(watch->instance().loop(), &watch->poll_, copy);
  if (error != 0) {
    delete watch;
    return nullptr;
  }
  watch->poll_.data = watch;
  watch->callback_ = Napi::Persistent(callback);
  // Node holds the resource weakly, and the caller's AsyncLocalStorage goes with it: the object that lives as
  // long as the watch.
  watch->context_ = std::make_unique<Napi::AsyncContext>(env, "oci-ts.poll", resource);
  error = -uv_poll_start(&watch->poll_, events, on_event);
  if (error != 0) {
    watch->close();
    return nullptr;
  }
  return watch;
}

void Watch::close() {
  if (closing_) return;
  closing_ = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), on_closed);
  fd_.reset();  // libuv is done with it at once
  if (object != nullptr) {
    object->watch = nullptr;
    object->Unref();
    object = nullptr;
  }
  if (!calling_) release_script();
}

void Watch::release_script() {
  callback_.Reset();
  context_.reset();
}

void Watch::set_ref(bool on) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  on ? uv_ref(handle) : uv_unref(handle);
}

void Watch::on_event(uv_poll_t* poll, int status, int events) {
  Watch* self = static_cast<Watch*>(poll->data);
  Napi::Env env = self->env_;
  Napi::HandleScope scope(env);
  self->calling_ = true;
  // libuv stops the watch on an error.
  Napi::Value argument = Napi::Number::New(env, status < 0 ? status : events);
  self->callback_.MakeCallback(env.Global(), {argument}, *self->context_);
  self->calling_ = false;
  raise_uncaught(env);
  if (self->closing_) self->release_script();
}

Napi::Value poll(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  int events = int_argument(info, 1);
  if (env.IsExceptionPending()) return env.Undefined();
  constexpr int known = UV_READABLE | UV_WRITABLE | UV_DISCONNECT | UV_PRIORITIZED;
  if (!info[2].IsFunction() || events <= 0 || (events & ~known) != 0) {
    Napi::TypeError::New(env, "poll(fd, events, callback)").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Object object = Instance::of(env)->poll_class().New({});
  if (object.IsEmpty()) return env.Undefined();
  int error = 0;
  Watch* watch = Watch::start(object, fd, events, info[2].As<Napi::Function>(), error);
  if (watch == nullptr) {
    throw_system_error(env, "poll", error);
    return env.Undefined();
  }
  PollObject* wrap = PollObject::Unwrap(object);
  wrap->watch = watch;
  wrap->Ref();
  watch->object = wrap;
  return object;
}

}  // namespace

void init_poll(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor =
      PollObject::DefineClass(env, "Poll",
                              {PollObject::InstanceMethod<&PollObject::close>("close"),
                               PollObject::InstanceMethod<&PollObject::ref>("ref"),
                               PollObject::InstanceMethod<&PollObject::unref>("unref")});
  Instance::of(env)->poll_class() = Napi::Persistent(constructor);
  exports.Set("poll", Napi::Function::New<poll>(env, "poll"));
}

}  // namespace oci::addon
