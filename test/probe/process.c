// The process itself: program, environment, descriptors, terminal, scheduling, signals.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include "probe.h"

static void report_fd(int fd) {
  char path[64];
  struct stat file;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fstat(fd, &file) != 0) return;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  json_open(NULL, '{');
  json_number("fd", fd);
  json_string("target", link_target(path));
  json_string("type", file_type(file.st_mode));
  json_string("access", flags & O_PATH ? "path" : (const char*[]){"r", "w", "rw", "?"}[flags & O_ACCMODE]);
  json_bool("append", flags & O_APPEND);
  json_bool("nonblock", flags & O_NONBLOCK);
  json_bool("tty", isatty(fd));
  json_number("uid", file.st_uid);
  json_close('}');
}

void section_fds(void) {
  json_open("fds", '[');
  DIR* dir = opendir("/proc/self/fd");
  if (dir) {
    struct dirent* entry;
    while ((entry = readdir(dir))) {
      int fd = atoi(entry->d_name);
      if (entry->d_name[0] != '.' && fd != dirfd(dir)) report_fd(fd);
    }
    closedir(dir);
  } else {
    for (int fd = 0; fd < 4096; fd++) report_fd(fd);
  }
  json_close(']');
}

void section_process(void) {
  char cwd[4096];
  json_open("process", '{');
  // The raw call: unlike libc's it says "(unreachable)" for a directory outside the root.
  json_string("cwd", syscall(SYS_getcwd, cwd, sizeof cwd) > 0 ? cwd : NULL);
  json_open("argv", '[');
  for (char** word = probe_argv; *word; word++) json_string(NULL, *word);
  json_close(']');
  json_open("env", '[');
  for (char** word = environ; *word; word++) json_string(NULL, *word);
  json_close(']');
  json_string("exe", link_target("/proc/self/exe"));
  json_file("comm", "/proc/self/comm");
  mode_t mask = umask(0);
  umask(mask);
  json_printf("umask", "%04o", mask);
  json_number("pid", getpid());
  json_number("ppid", getppid());
  json_number("pgid", getpgid(0));
  json_number("sid", getsid(0));
  json_printf("personality", "%08x", (unsigned)personality(0xffffffff));
  int flag = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &flag);
  json_bool("subreaper", flag);
  flag = 0;
  prctl(PR_GET_PDEATHSIG, &flag);
  json_number("parentDeathSignal", flag);
  json_number("timerSlack", prctl(PR_GET_TIMERSLACK));
  json_number("thpDisabled", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  json_close('}');
}

void section_signals(void) {
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  json_open("signals", '{');
  json_open("blocked", '[');
  for (int number = 1; number < NSIG; number++)
    if (sigismember(&blocked, number) == 1) json_number(NULL, number);
  json_close(']');
  json_open("ignored", '[');
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) json_number(NULL, number);
  }
  json_close(']');
  json_close('}');
}

void section_sched(void) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
  } attributes = {.size = sizeof attributes};
  cpu_set_t cpus;
  json_open("sched", '{');
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0) {
    json_number("policy", attributes.policy);
    json_number("flags", (long long)attributes.flags);
    json_number("nice", attributes.nice);
    json_number("priority", attributes.priority);
    json_number("runtime", (long long)attributes.runtime);
    json_number("deadline", (long long)attributes.deadline);
    json_number("period", (long long)attributes.period);
  }
  // Who: 1 is a process, id 0 the caller. A class takes the bits from 13 up.
  long priority = syscall(SYS_ioprio_get, 1, 0);
  json_number("ioClass", priority < 0 ? -1 : priority >> 13);
  json_number("ioPriority", priority < 0 ? -1 : priority & 0x1fff);
  json_open("affinity", '[');
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
      if (CPU_ISSET(cpu, &cpus)) json_number(NULL, cpu);
  json_close(']');
  int mode = -1;
  unsigned long nodes[16] = {0};
  if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, 0, 0) == 0) {
    json_number("memoryMode", mode);
    json_printf("memoryNodes", "%lx", nodes[0]);
  } else {
    json_null("memoryMode");
    json_null("memoryNodes");
  }
  json_close('}');
}

void section_host(void) {
  struct utsname name;
  uname(&name);
  json_open("host", '{');
  json_string("hostname", name.nodename);
  json_string("domainname", name.domainname);
  json_string("machine", name.machine);
  json_string("release", name.release);
  json_close('}');
}

void section_tty(void) {
  struct winsize size;
  struct termios state;
  char letter;
  int tty = -1;
  for (int fd = 0; fd < 3 && tty < 0; fd++)
    if (isatty(fd)) tty = fd;
  json_open("tty", '{');
  json_open("stdio", '[');
  for (int fd = 0; fd < 3; fd++) json_bool(NULL, isatty(fd));
  json_close(']');
  if (tty >= 0) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", tty);
    json_string("name", link_target(path));
    if (ioctl(tty, TIOCGWINSZ, &size) == 0) {
      json_number("rows", size.ws_row);
      json_number("columns", size.ws_col);
    }
    if (tcgetattr(tty, &state) == 0) {
      json_bool("onlcr", state.c_oflag & ONLCR);
      json_bool("echo", state.c_lflag & ECHO);
    }
    json_number("foregroundGroup", tcgetpgrp(tty));
    json_number("session", tcgetsid(tty));
  }
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  letter = fd >= 0;
  json_bool("controlling", letter);
  if (fd >= 0) close(fd);
  json_close('}');
}

// How system calls fail whose arguments are all 0.
void section_syscalls(void) {
  json_open("syscalls", '{');
  for (int i = 0; i < probe_syscall_count; i++) {
    char number[24];
    snprintf(number, sizeof number, "%ld", probe_syscalls[i]);
    json_string(number, syscall(probe_syscalls[i], 0, 0, 0, 0, 0, 0) < 0 ? errno_name(errno) : NULL);
  }
  json_close('}');
}
