#include "instance.h"

#include <algorithm>

#include "values.h"

namespace oci::addon {
namespace {

struct Holder {
  std::shared_ptr<Instance> instance;
};

// Whether values can be made and functions called: not in a worker_thread that is being terminated, whose
// event loop turns once more before its clean-up.
bool can_run_script(Napi::Env env) {
  napi_value object, value;
  return napi_create_object(env, &object) == napi_ok && napi_get_undefined(env, &value) == napi_ok &&
         napi_set_named_property(env, object, "probe", value) == napi_ok;
}

}  // namespace

Job::Job(Napi::Env env) : instance_(Instance::of(env)) {}

Napi::Value Job::submit(std::unique_ptr<Job> job) {
  std::shared_ptr<Instance> instance = job->instance_;
  Napi::Env env = instance->env_;
  napi_value promise;
  if (napi_create_promise(env, &job->deferred_, &promise) != napi_ok) return env.Undefined();
  if (instance->closing_) {
    job->reject(env, Napi::Error::New(env, "the environment is shutting down").Value());
    return Napi::Value(env, promise);
  }
  if (int error = Pool::submit(job.get()); error != 0) {
    job->reject(env, system_error(env, "pthread_create", error).Value());
    return Napi::Value(env, promise);
  }
  (void)job.release();
  if (instance->pending_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(&instance->async_));
  return Napi::Value(env, promise);
}

bool Job::resolve(Napi::Env env, Napi::Value value) {
  return napi_resolve_deferred(env, deferred_, value) == napi_ok;
}

void Job::reject(Napi::Env env, Napi::Value error) {
  (void)napi_reject_deferred(env, deferred_, error);
}

void Job::finish() {
  std::shared_ptr<Instance> instance = instance_;
  {
    Lock lock(instance->mutex_);
    if (instance->alive_) {
      instance->ready_.push_back(this);
      // Under the lock: the handle is not closed while `alive_` holds.
      uv_async_send(&instance->async_);
      return;
    }
  }
  delete this;
}

Handle::Handle(std::shared_ptr<Instance> instance) : instance_(std::move(instance)) {
  instance_->handles_.push_back(this);
  instance_->open_handles_++;
}

Handle::~Handle() {
  auto& all = instance_->handles_;
  all.erase(std::remove(all.begin(), all.end(), this), all.end());
  instance_->handle_gone();
}

bool Instance::create(Napi::Env env) {
  auto instance = std::make_shared<Instance>(env);
  if (napi_get_uv_event_loop(env, &instance->loop_) != napi_ok) return false;
  auto* keep = new std::shared_ptr<Instance>(instance);
  if (uv_async_init(instance->loop_, &instance->async_, on_async) != 0) {
    delete keep;
    Napi::Error::New(env, "uv_async_init failed").ThrowAsJavaScriptException();
    return false;
  }
  instance->open_handles_ = 1;
  instance->async_.data = keep;
  uv_unref(reinterpret_cast<uv_handle_t*>(&instance->async_));
  instance->context_ = std::make_unique<Napi::AsyncContext>(env, "oci-ts");
  env.SetInstanceData(new Holder{instance});
  return napi_add_async_cleanup_hook(env, on_cleanup, instance.get(), &instance->cleanup_) == napi_ok;
}

std::shared_ptr<Instance> Instance::of(Napi::Env env) {
  return env.GetInstanceData<Holder>()->instance;
}

// The environment ends. Jobs that run go on and are deleted by their threads; those that are done are deleted
// here; handles are closed, and the last one's callback tells Node that it may go on.
void Instance::on_cleanup(napi_async_cleanup_hook_handle, void* data) {
  std::shared_ptr<Instance> self = static_cast<Instance*>(data)->shared_from_this();
  self->closing_ = true;
  std::vector<Job*> undelivered;
  {
    Lock lock(self->mutex_);
    self->alive_ = false;
    undelivered.swap(self->ready_);
  }
  {
    Napi::HandleScope scope(self->env_);
    for (Job* job : undelivered) delete job;
    std::vector<Handle*> handles = self->handles_;
    for (Handle* handle : handles) handle->shut();
    self->context_.reset();
    self->poll_class_.Reset();
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&self->async_), [](uv_handle_t* handle) {
    std::unique_ptr<std::shared_ptr<Instance>> keep(static_cast<std::shared_ptr<Instance>*>(handle->data));
    (*keep)->handle_gone();
  });
}

void Instance::handle_gone() {
  if (--open_handles_ == 0 && cleanup_ != nullptr) {
    napi_remove_async_cleanup_hook(cleanup_);
    cleanup_ = nullptr;
  }
}

void Instance::on_async(uv_async_t* async) {
  std::shared_ptr<Instance> self = *static_cast<std::shared_ptr<Instance>*>(async->data);
  self->settle_jobs();
}

// One job at a time is taken from the list: what JavaScript does in between may end the environment.
void Instance::settle_jobs() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      Lock lock(mutex_);
      if (ready_.empty()) break;
      job.reset(ready_.front());
      ready_.erase(ready_.begin());
    }
    Napi::HandleScope scope(env_);
    if (can_run_script(env_)) {
      // Leaving it runs the microtasks, and so whoever awaits the promise.
      Napi::CallbackScope callback(env_, *context_);
      job->settle(env_);
    }
    job.reset();
    if (--pending_ == 0 && !closing_) uv_unref(reinterpret_cast<uv_handle_t*>(&async_));
    raise_uncaught(env_);
    if (closing_) break;
  }
}

void raise_uncaught(Napi::Env env) {
  if (!env.IsExceptionPending()) return;
  Napi::Error error = env.GetAndClearPendingException();
  napi_fatal_exception(env, error.Value());
}

}  // namespace oci::addon
