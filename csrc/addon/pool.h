// The addon's own worker threads. libuv's pool is left alone: a batch may wait for seconds, and file I/O of
// the host program must not queue behind it. Threads start on demand and end when they have been idle for a
// while, so that a program which is done with containers has no thread more than before.
#pragma once

namespace oci::addon {

// What a thread owns across jobs.
class Worker {
 public:
  Worker() = default;
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Top of a stack for a child that shares this address space while the thread is suspended: mapped on first
  // use, a guard page below. nullptr: no memory.
  void* child_stack_top();

 private:
  char* child_stack_ = nullptr;
};

class PoolThread;

// A piece of work. Deleted by the pool, or by whoever `finish` gives it to.
class Task {
 public:
  virtual ~Task() = default;
  // On a pool thread, all signals blocked.
  virtual void work(Worker& worker) = 0;
  // Right after `work`, on the same thread: passes the task on or deletes it.
  virtual void finish() { delete this; }

 protected:
  Task() = default;

 private:
  friend class PoolThread;
  Task* next_ = nullptr;
};

class Pool {
 public:
  // Queues the task. Returns 0, or an errno if there is no thread and none could be started (the task stays
  // the caller's then).
  static int submit(Task* task);
};

}  // namespace oci::addon
