// The probe: reports, as one JSON object, what a process sees from inside a container.
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>

// json.c — a writer that puts commas by itself. `key` is NULL inside an array.
void json_open(const char* key, char bracket);
void json_close(char bracket);
void json_string(const char* key, const char* value);
void json_bytes(const char* key, const char* value, size_t length);
void json_number(const char* key, long long value);
void json_bool(const char* key, bool value);
void json_null(const char* key);
void json_printf(const char* key, const char* format, ...) __attribute__((format(printf, 2, 3)));
void json_flush(void);

// util.c
// Reads a whole file into a static buffer, without a trailing newline; NULL where it can't be read.
const char* slurp(const char* path);
// The target of a symlink, in a static buffer; NULL where it can't be read.
const char* link_target(const char* path);
const char* errno_name(int number);
const char* file_type(unsigned mode);
// Writes each line of a file as an array of strings, or null where it can't be read.
void json_lines(const char* key, const char* path);
// Writes a file's text, or null where it can't be read.
void json_file(const char* key, const char* path);

// The sections. What they take is what `--stat`, `--sysctl` and `--syscall` named.
extern char** probe_argv;
extern const char *probe_paths[], *probe_sysctls[];
extern long probe_syscalls[];
extern int probe_path_count, probe_sysctl_count, probe_syscall_count;

void section_fds(void);
void section_ids(void);
void section_caps(void);
void section_seccomp(void);
void section_rlimits(void);
void section_process(void);
void section_signals(void);
void section_mounts(void);
void section_namespaces(void);
void section_cgroup(void);
void section_oom(void);
void section_sched(void);
void section_host(void);
void section_tty(void);
void section_sysctl(void);
void section_paths(void);
void section_lsm(void);
void section_time(void);
void section_keyring(void);
void section_network(void);
void section_syscalls(void);

#endif
