// probe [--sections a,b,…] [--stat PATH]… [--sysctl KEY]… [--syscall NUMBER]… [--] [anything…]
//
// Without --sections, every section is reported. Words after the options are not looked at: they
// are there to be seen in the report's argv.
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ASKED = 64 };
char** probe_argv;
const char *probe_paths[MAX_ASKED], *probe_sysctls[MAX_ASKED];
long probe_syscalls[MAX_ASKED];
int probe_path_count, probe_sysctl_count, probe_syscall_count;

// fds comes first, before another section opens a file.
static const struct {
  const char* name;
  void (*report)(void);
} sections[] = {
    {"fds", section_fds},         {"ids", section_ids},         {"caps", section_caps},
    {"seccomp", section_seccomp}, {"rlimits", section_rlimits}, {"process", section_process},
    {"signals", section_signals}, {"mounts", section_mounts},   {"namespaces", section_namespaces},
    {"cgroup", section_cgroup},   {"oom", section_oom},         {"sched", section_sched},
    {"host", section_host},       {"tty", section_tty},         {"sysctl", section_sysctl},
    {"paths", section_paths},     {"lsm", section_lsm},         {"time", section_time},
    {"keyring", section_keyring}, {"network", section_network}, {"syscalls", section_syscalls},
};

static bool listed(const char* list, const char* name) {
  size_t length = strlen(name);
  for (const char* at = list; (at = strstr(at, name)); at += length) {
    bool begins = at == list || at[-1] == ',';
    if (begins && (at[length] == ',' || at[length] == '\0')) return true;
  }
  return false;
}

int main(int argc, char** argv) {
  const char* wanted = NULL;
  probe_argv = argv;
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (i + 1 == argc || strncmp(argv[i], "--", 2) != 0) break;
    if (strcmp(argv[i], "--sections") == 0) {
      wanted = argv[++i];
    } else if (strcmp(argv[i], "--stat") == 0 && probe_path_count < MAX_ASKED) {
      probe_paths[probe_path_count++] = argv[++i];
    } else if (strcmp(argv[i], "--sysctl") == 0 && probe_sysctl_count < MAX_ASKED) {
      probe_sysctls[probe_sysctl_count++] = argv[++i];
    } else if (strcmp(argv[i], "--syscall") == 0 && probe_syscall_count < MAX_ASKED) {
      probe_syscalls[probe_syscall_count++] = strtol(argv[++i], NULL, 10);
    } else {
      fprintf(stderr, "probe: bad option %s\n", argv[i]);
      return 2;
    }
  }
  json_open(NULL, '{');
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
    if (!wanted || listed(wanted, sections[i].name)) sections[i].report();
  json_close('}');
  json_flush();
  return 0;
}
