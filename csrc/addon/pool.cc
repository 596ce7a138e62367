#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"

namespace oci::addon {
namespace {

// A batch mostly waits for the kernel (cgroup removal, hooks); more threads than cores do no harm, and few
// would let some hooks without a timeout hold up everybody.
constexpr int kMaxThreads = 16;
constexpr int kIdleSeconds = 2;
constexpr size_t kStackSize = 512 * 1024;
constexpr size_t kChildStackSize = 64 * 1024;

// Never destroyed: a thread may outlive exit(3)'s destructors.
struct State {
  Mutex mutex;
  pthread_cond_t wake;
  bool ready = false;
  Task* first = nullptr;
  Task** last = &first;
  int queued = 0;
  int threads = 0;
  int idle = 0;
};
constinit State state{.mutex = {}, .wake = PTHREAD_COND_INITIALIZER};

size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

class PoolThread {
 public:
  static void* main(void*) {
    Worker worker;
    state.mutex.lock();
    for (;;) {
      if (state.first == nullptr && !wait_for_task()) break;
      Task* task = state.first;
      state.first = task->next_;
      if (state.first == nullptr) state.last = &state.first;
      state.queued--;
      state.mutex.unlock();
      task->work(worker);
      task->finish();
      state.mutex.lock();
    }
    state.threads--;
    state.mutex.unlock();
    return nullptr;
  }

  static void push(Task* task) {
    task->next_ = nullptr;
    *state.last = task;
    state.last = &task->next_;
    state.queued++;
  }

  // With all signals blocked, which the thread inherits: handlers of the host program never run on it.
  static int start() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, kStackSize);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, main, nullptr);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    return error;
  }

 private:
  // False: idle for too long. The mutex is held, but for the wait.
  static bool wait_for_task() {
    timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += kIdleSeconds;
    state.idle++;
    int error = 0;
    while (state.first == nullptr && error != ETIMEDOUT) {
      error = pthread_cond_timedwait(&state.wake, state.mutex.native(), &until);
    }
    state.idle--;
    return state.first != nullptr;
  }
};

int Pool::submit(Task* task) {
  Lock lock(state.mutex);
  if (!state.ready) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&state.wake, &attributes);
    pthread_condattr_destroy(&attributes);
    state.ready = true;
  }
  // Threads that were woken but don't run yet still count as idle: compare with what is queued.
  if (state.queued >= state.idle && state.threads < kMaxThreads) {
    int error = PoolThread::start();
    if (error == 0) {
      state.threads++;
    } else if (state.threads == 0) {
      return error;
    }
  }
  PoolThread::push(task);
  pthread_cond_signal(&state.wake);
  return 0;
}

void* Worker::child_stack_top() {
  if (child_stack_ == nullptr) {
    void* memory = mmap(nullptr, page_size() + kChildStackSize, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    char* start = static_cast<char*>(memory);
    if (mprotect(start + page_size(), kChildStackSize, PROT_READ | PROT_WRITE) != 0) {
      munmap(memory, page_size() + kChildStackSize);
      return nullptr;
    }
    child_stack_ = start;
  }
  return child_stack_ + page_size() + kChildStackSize;
}

Worker::~Worker() {
  if (child_stack_ != nullptr) munmap(child_stack_, page_size() + kChildStackSize);
}

}  // namespace oci::addon
