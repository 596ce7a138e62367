/*
 * The yardstick: a C program that makes the system calls of the default spec's container and nothing else: state
 * directory with a file and a listening socket, every cgroup hierarchy, six namespaces, mounts, devices, masks,
 * pivot_root, capabilities, exec, reap, removal. No JSON, no checks, no fallbacks. It prints the nanoseconds of each
 * whole life, one a line.
 *
 * usage: bare ROOTFS STATE-DIR COUNT PROGRAM [ARG…]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>

struct hierarchy {
  char mountpoint[256];
  char name[64];
  char options[64];
  int v2;
};
static struct hierarchy hier[32];
static int nhier;
static const char *rootfs, *state;
static char **program;
static int procs[32];

static void die(const char* what) {
  fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
  _exit(125);
}
#define CHECK(call)                \
  do {                             \
    if ((call) < 0) die(#call);    \
  } while (0)

static void put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) die(path);
  if (write(fd, text, strlen(text)) < 0) die(path);
  close(fd);
}

static void find_hierarchies(void) {
  FILE* f = fopen("/proc/self/mountinfo", "re");
  char line[1024];
  while (f && fgets(line, sizeof line, f)) {
    char point[256], type[32], super[256];
    char* dash = strstr(line, " - ");
    if (!dash || sscanf(line, "%*s %*s %*s %*s %255s", point) != 1) continue;
    if (sscanf(dash, " - %31s %*s %255s", type, super) != 2) continue;
    if (strncmp(type, "cgroup", 6) != 0 || nhier == 32) continue;
    struct hierarchy* h = &hier[nhier++];
    snprintf(h->mountpoint, sizeof h->mountpoint, "%s", point);
    h->v2 = strcmp(type, "cgroup2") == 0;
    snprintf(h->name, sizeof h->name, "%s", strrchr(point, '/') + 1);
    char* name = strstr(super, "name=");
    snprintf(h->options, sizeof h->options, "%s", name ? name : h->name);
  }
  if (f) fclose(f);
}

static void cgroup_dir(char* out, size_t size, int i) {
  snprintf(out, size, "%s/bare-%d", hier[i].mountpoint, getpid());
}

static const struct {
  const char *target, *type, *data;
  unsigned long flags;
} mounts[] = {
    {"proc", "proc", NULL, 0},
    {"dev", "tmpfs", "mode=755,size=65536k", MS_NOSUID | MS_STRICTATIME},
    {"dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5", MS_NOSUID | MS_NOEXEC},
    {"dev/shm", "tmpfs", "mode=1777,size=65536k", MS_NOSUID | MS_NOEXEC | MS_NODEV},
    {"dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
    {"sys", "sysfs", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY},
};
static const struct {
  const char* path;
  int major, minor;
} nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
static const char* links[][2] = {
    {"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
    {"/proc/self/fd/2", "dev/stderr"}, {"/proc/kcore", "dev/core"}, {"pts/ptmx", "dev/ptmx"}};
static const char* masked[] = {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                               "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"};
static const char* readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

static void mount_cgroups(void) {
  char path[256];
  if (nhier == 1 && hier[0].v2) {
    CHECK(mount("cgroup", "sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL));
    return;
  }
  CHECK(mount("tmpfs", "sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=755"));
  for (int i = 0; i < nhier; i++) {
    if (hier[i].v2) continue;
    snprintf(path, sizeof path, "sys/fs/cgroup/%s", hier[i].name);
    CHECK(mkdir(path, 0755));
    CHECK(mount("cgroup", path, "cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, hier[i].options));
  }
  CHECK(mount("tmpfs", "sys/fs/cgroup", "tmpfs", MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=755"));
}

static void child(void) {
  for (int i = 0; i < nhier; i++) {
    if (write(procs[i], "0", 1) < 0) die("cgroup.procs");
    close(procs[i]);
  }
  CHECK(unshare(CLONE_NEWCGROUP));
  CHECK(setsid());
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(ioctl(sock, SIOCSIFFLAGS, &lo));
  close(sock);
  CHECK(sethostname("bare", 4));
  CHECK(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL));
  CHECK(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
  CHECK(chdir(rootfs));
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
    mkdir(mounts[i].target, 0755);
    CHECK(mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags, mounts[i].data));
  }
  mount_cgroups();
  umask(0);
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    CHECK(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) CHECK(symlink(links[i][0], links[i][1]));
  CHECK(syscall(SYS_pivot_root, ".", "."));
  CHECK(mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL));
  CHECK(umount2(".", MNT_DETACH));
  CHECK(chdir("/"));
  CHECK(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
    if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0) continue;
    CHECK(mount(NULL, readonly[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  }
  for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
    struct stat st;
    if (stat(masked[i], &st) < 0) continue;
    if (S_ISDIR(st.st_mode))
      CHECK(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL));
    else
      CHECK(mount("/dev/null", masked[i], NULL, MS_BIND, NULL));
  }
  struct rlimit limit = {1024, 1024};
  CHECK(setrlimit(RLIMIT_NOFILE, &limit));
  unsigned long long keep = 1ULL << CAP_AUDIT_WRITE | 1ULL << CAP_KILL | 1ULL << CAP_NET_BIND_SERVICE;
  for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
    if (!(keep >> cap & 1)) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(unsigned)keep, (unsigned)keep, 0}, {(unsigned)(keep >> 32), (unsigned)(keep >> 32), 0}};
  CHECK(syscall(SYS_capset, &head, data));
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  umask(022);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  char* env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL};
  execve(program[0], program, env);
  die("execve");
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long life(void) {
  char path[512], file[600];
  long long begin = now();
  snprintf(path, sizeof path, "%s/bare-%d", state, getpid());
  CHECK(mkdir(path, 0711));
  snprintf(file, sizeof file, "%s/state.json", path);
  int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  static const char text[3000] = "{}";
  if (fd < 0 || write(fd, text, sizeof text) < 0) die(file);
  close(fd);
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  if (snprintf(addr.sun_path, sizeof addr.sun_path, "%s/start.sock", path) >= (int)sizeof addr.sun_path) die("path");
  int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  CHECK(bind(listener, (struct sockaddr*)&addr, sizeof addr));
  CHECK(listen(listener, 8));
  for (int i = 0; i < nhier; i++) {
    char dir[512];
    cgroup_dir(dir, sizeof dir, i);
    CHECK(mkdir(dir, 0755));
    if (strcmp(hier[i].name, "cpuset") == 0) {
      static const char* names[] = {"cpuset.cpus", "cpuset.mems"};
      for (int k = 0; k < 2; k++) {
        char value[256], from[640];
        snprintf(from, sizeof from, "%s/%s", hier[i].mountpoint, names[k]);
        int in = open(from, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(in, value, sizeof value - 1);
        close(in);
        value[n > 0 ? n : 0] = 0;
        snprintf(from, sizeof from, "%s/%s", dir, names[k]);
        put(from, value);
      }
    }
    if (strcmp(hier[i].name, "devices") == 0) {
      static const char* rules[] = {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm",
                                    "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm"};
      char rule[640];
      snprintf(rule, sizeof rule, "%s/devices.deny", dir);
      put(rule, "a");
      snprintf(rule, sizeof rule, "%s/devices.allow", dir);
      for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) put(rule, rules[k]);
    }
    char join[640];
    snprintf(join, sizeof join, "%s/cgroup.procs", dir);
    procs[i] = open(join, O_WRONLY | O_CLOEXEC);
    if (procs[i] < 0) die(join);
  }
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) die("clone");
  if (pid == 0) child();
  for (int i = 0; i < nhier; i++) close(procs[i]);
  int status;
  CHECK(waitpid(pid, &status, 0));
  if (status != 0) {
    fprintf(stderr, "bare: the program ended with status %d\n", status);
    exit(1);
  }
  for (int i = 0; i < nhier; i++) {
    char dir[512];
    cgroup_dir(dir, sizeof dir, i);
    while (rmdir(dir) < 0)
      if (errno != EBUSY) die(dir);
  }
  close(listener);
  CHECK(unlink(addr.sun_path));
  CHECK(unlink(file));
  CHECK(rmdir(path));
  return now() - begin;
}

int main(int argc, char** argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: bare ROOTFS STATE-DIR COUNT PROGRAM [ARG...]\n");
    return 2;
  }
  rootfs = argv[1];
  state = argv[2];
  program = argv + 4;
  find_hierarchies();
  for (int i = atoi(argv[3]); i > 0; i--) printf("%lld\n", life());
  return 0;
}
