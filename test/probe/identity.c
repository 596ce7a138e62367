// Who the process is and what it may do.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

void section_ids(void) {
  uid_t real, effective, saved;
  gid_t groups[1024];
  json_open("ids", '{');
  getresuid(&real, &effective, &saved);
  json_open("uid", '[');
  json_number(NULL, real);
  json_number(NULL, effective);
  json_number(NULL, saved);
  json_number(NULL, setfsuid((uid_t)-1));
  json_close(']');
  getresgid(&real, &effective, &saved);
  json_open("gid", '[');
  json_number(NULL, real);
  json_number(NULL, effective);
  json_number(NULL, saved);
  json_number(NULL, setfsgid((gid_t)-1));
  json_close(']');
  int count = getgroups(1024, groups);
  json_open("groups", '[');
  for (int i = 0; i < count; i++) json_number(NULL, groups[i]);
  json_close(']');
  json_lines("uidMap", "/proc/self/uid_map");
  json_lines("gidMap", "/proc/self/gid_map");
  json_file("setgroups", "/proc/self/setgroups");
  json_close('}');
}

void section_caps(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {0};
  unsigned long long bounding = 0, ambient = 0;
  json_open("caps", '{');
  if (syscall(SYS_capget, &header, data) == 0) {
    json_printf("effective", "%08x%08x", data[1].effective, data[0].effective);
    json_printf("permitted", "%08x%08x", data[1].permitted, data[0].permitted);
    json_printf("inheritable", "%08x%08x", data[1].inheritable, data[0].inheritable);
  }
  for (int cap = 0; cap < 64; cap++) {
    int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (held < 0) break;
    if (held) bounding |= 1ULL << cap;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) ambient |= 1ULL << cap;
  }
  json_printf("bounding", "%016llx", bounding);
  json_printf("ambient", "%016llx", ambient);
  json_number("securebits", prctl(PR_GET_SECUREBITS));
  json_bool("noNewPrivileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  json_number("dumpable", prctl(PR_GET_DUMPABLE));
  json_bool("keepCaps", prctl(PR_GET_KEEPCAPS) == 1);
  json_close('}');
}

static void status_number(const char* key, const char* label) {
  const char* status = slurp("/proc/self/status");
  const char* at = status ? strstr(status, label) : NULL;
  if (at)
    json_number(key, strtoll(at + strlen(label), NULL, 10));
  else
    json_null(key);
}

void section_seccomp(void) {
  json_open("seccomp", '{');
  status_number("mode", "\nSeccomp:");
  status_number("filters", "\nSeccomp_filters:");
  json_close('}');
}

void section_rlimits(void) {
  static const char* const names[] = {"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                      "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                      "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};
  json_open("rlimits", '{');
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)i, &limit) != 0) continue;
    json_open(names[i], '[');
    for (int hard = 0; hard < 2; hard++) {
      rlim_t value = hard ? limit.rlim_max : limit.rlim_cur;
      if (value == RLIM_INFINITY)
        json_string(NULL, "unlimited");
      else
        json_printf(NULL, "%llu", (unsigned long long)value);
    }
    json_close(']');
  }
  json_close('}');
}

void section_oom(void) {
  json_open("oom", '{');
  json_file("scoreAdj", "/proc/self/oom_score_adj");
  json_close('}');
}

void section_lsm(void) {
  json_open("lsm", '{');
  json_file("current", "/proc/self/attr/current");
  json_file("apparmor", "/proc/self/attr/apparmor/current");
  json_file("exec", "/proc/self/attr/exec");
  json_file("keycreate", "/proc/self/attr/keycreate");
  json_close('}');
}

void section_keyring(void) {
  char text[512];
  long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1);
  json_open("keyring", '{');
  if (length > 0 && length < (long)sizeof text) {
    text[length] = '\0';
    json_string("session", text);
    json_null("error");
  } else {
    json_null("session");
    json_string("error", errno_name(errno));
  }
  json_close('}');
}

void section_namespaces(void) {
  static const char* const names[] = {
      "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
  json_open("namespaces", '{');
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    json_string(names[i], link_target(path));
  }
  json_close('}');
}

void section_cgroup(void) {
  json_lines("cgroup", "/proc/self/cgroup");
}

void section_time(void) {
  json_open("time", '{');
  json_lines("offsets", "/proc/self/timens_offsets");
  json_close('}');
}
