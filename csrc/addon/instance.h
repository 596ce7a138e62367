// What the addon keeps per environment (the main thread, and each worker_thread that loads it).
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "lock.h"
#include "pool.h"

namespace oci::addon {

class Instance;
class Handle;

// Work for a pool thread whose result goes back to the event loop. If the environment has gone meanwhile, the
// job is just deleted, on the pool's thread: destructors give back whatever was not delivered.
class Job : public Task {
 public:
  explicit Job(Napi::Env env);
  ~Job() override = default;

  // Queues the job, which then deletes itself. If that fails, the promise that it returns is rejected.
  static Napi::Value submit(std::unique_ptr<Job> job);

 protected:
  // On the loop's thread, in a handle scope.
  virtual void settle(Napi::Env env) = 0;
  // False: it could not be handed over; the job keeps what it has.
  bool resolve(Napi::Env env, Napi::Value value);
  void reject(Napi::Env env, Napi::Value error);

 private:
  friend class Instance;
  void finish() final;

  std::shared_ptr<Instance> instance_;
  napi_deferred deferred_ = nullptr;
};

// A uv handle that ends with its environment.
class Handle {
 public:
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 protected:
  explicit Handle(std::shared_ptr<Instance> instance);
  virtual ~Handle();
  // The environment goes: release what belongs to JavaScript and close the uv handle. On the loop's thread.
  virtual void shut() = 0;
  Instance& instance() const { return *instance_; }

 private:
  friend class Instance;
  std::shared_ptr<Instance> instance_;
};

class Instance : public std::enable_shared_from_this<Instance> {
 public:
  // Makes the environment's instance and its clean-up. False: an exception is pending.
  static bool create(Napi::Env env);
  static std::shared_ptr<Instance> of(Napi::Env env);

  explicit Instance(Napi::Env env) : env_(env) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  uv_loop_t* loop() const { return loop_; }
  Napi::FunctionReference& poll_class() { return poll_class_; }

 private:
  friend class Job;
  friend class Handle;
  static void on_cleanup(napi_async_cleanup_hook_handle handle, void* data);
  static void on_async(uv_async_t* async);
  void settle_jobs();
  void handle_gone();

  const Napi::Env env_;
  uv_loop_t* loop_ = nullptr;
  uv_async_t async_{};
  std::unique_ptr<Napi::AsyncContext> context_;
  Napi::FunctionReference poll_class_;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  bool closing_ = false;
  size_t pending_ = 0;            // jobs under way; only the loop's thread counts
  size_t open_handles_ = 0;       // the async handle, and every Handle
  std::vector<Handle*> handles_;  // that are to be shut at the end

  Mutex mutex_;
  bool alive_ = true;        // guarded by mutex_, as is:
  std::vector<Job*> ready_;  // carried out, to be settled
};

// Reports a pending exception as an uncaught one: for callbacks that nobody in JavaScript calls.
void raise_uncaught(Napi::Env env);

}  // namespace oci::addon
