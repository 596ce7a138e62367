// What is to be seen of files: mounts, paths, sysctls; and the network devices.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe.h"

// Undoes, in place, mountinfo's octal escapes.
static char* unescape(char* text) {
  char* out = text;
  for (char* in = text; *in; out++) {
    if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] && in[3]) {
      *out = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
      in += 4;
    } else {
      *out = *in++;
    }
  }
  *out = '\0';
  return text;
}

static void comma_list(const char* key, char* list) {
  char* save;
  json_open(key, '[');
  for (char* word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save))
    json_string(NULL, unescape(word));
  json_close(']');
}

// One line: id parent major:minor root mountpoint options [propagation…] - type source superoptions
static void report_mount(char* line) {
  char *save, *fields[6];
  for (int i = 0; i < 6; i++) {
    fields[i] = strtok_r(i ? NULL : line, " ", &save);
    if (!fields[i]) return;
  }
  json_open(NULL, '{');
  json_open("propagation", '[');
  char* word;
  while ((word = strtok_r(NULL, " ", &save)) && strcmp(word, "-") != 0) {
    size_t length = strcspn(word, ":");
    if (strncmp(word, "propagate_from", length) != 0) json_bytes(NULL, word, length);
  }
  json_close(']');
  char *type = strtok_r(NULL, " ", &save), *source = strtok_r(NULL, " ", &save);
  char* super = strtok_r(NULL, " ", &save);
  json_string("mountpoint", unescape(fields[4]));
  json_string("root", unescape(fields[3]));
  json_string("device", fields[2]);
  comma_list("options", fields[5]);
  json_string("type", type);
  json_string("source", source ? unescape(source) : NULL);
  comma_list("superOptions", super ? super : (char[]){""});
  json_close('}');
}

void section_mounts(void) {
  const char* table = slurp("/proc/self/mountinfo");
  if (!table) {
    json_null("mounts");
    return;
  }
  char *copy = strdup(table), *save;
  json_open("mounts", '[');
  for (char* line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) report_mount(line);
  json_close(']');
  free(copy);
}

// How many bytes (of at most one) or directory entries reading brings; -1 with errno set where it fails.
static int read_some(const char* path, mode_t mode) {
  if (S_ISDIR(mode)) {
    DIR* dir = opendir(path);
    if (!dir) return -1;
    int count = 0;
    struct dirent* entry;
    while ((entry = readdir(dir)))
      if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) count++;
    closedir(dir);
    return count;
  }
  char byte;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -1;
  ssize_t got = read(fd, &byte, 1);
  int saved = errno;
  close(fd);
  errno = saved;
  return (int)got;
}

static void report_access(const char* path, mode_t mode) {
  json_bool("readable", faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0);
  int failure = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 0 : errno;
  json_bool("writable", !failure);
  json_string("writeError", failure ? errno_name(failure) : NULL);
  // Opening a device may block or act; what can be told of it was told.
  if (S_ISREG(mode) || S_ISDIR(mode)) {
    int count = read_some(path, mode);
    json_number("content", count);
    json_string("readError", count < 0 ? errno_name(errno) : NULL);
  } else if (S_ISCHR(mode)) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    json_string("openError", fd < 0 ? errno_name(errno) : NULL);
    if (fd >= 0) close(fd);
  }
}

static void report_path(const char* path) {
  struct stat file;
  struct statfs system;
  json_open(path, '{');
  if (lstat(path, &file) != 0) {
    json_string("error", errno_name(errno));
    json_close('}');
    return;
  }
  json_string("type", file_type(file.st_mode));
  json_printf("mode", "%04o", file.st_mode & 07777);
  json_number("uid", file.st_uid);
  json_number("gid", file.st_gid);
  json_number("size", S_ISREG(file.st_mode) ? file.st_size : 0);
  if (S_ISCHR(file.st_mode) || S_ISBLK(file.st_mode))
    json_printf("rdev", "%u:%u", major(file.st_rdev), minor(file.st_rdev));
  if (S_ISLNK(file.st_mode)) {
    json_string("target", link_target(path));
  } else {
    if (statfs(path, &system) == 0) json_printf("filesystem", "%lx", (unsigned long)system.f_type);
    report_access(path, file.st_mode);
  }
  json_close('}');
}

void section_paths(void) {
  json_open("paths", '{');
  for (int i = 0; i < probe_path_count; i++) report_path(probe_paths[i]);
  json_close('}');
}

void section_sysctl(void) {
  json_open("sysctl", '{');
  for (int i = 0; i < probe_sysctl_count; i++) {
    char path[512];
    int prefix = snprintf(path, sizeof path, "/proc/sys/%s", probe_sysctls[i]);
    if (prefix >= (int)sizeof path) continue;
    for (char* at = path + strlen("/proc/sys/"); *at; at++)
      if (*at == '.') *at = '/';
    json_file(probe_sysctls[i], path);
  }
  json_close('}');
}

static void report_addresses(const struct ifaddrs* list, const char* name) {
  json_open("addresses", '[');
  for (const struct ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    char text[INET6_ADDRSTRLEN];
    if (!entry->ifa_addr || strcmp(entry->ifa_name, name) != 0) continue;
    int family = entry->ifa_addr->sa_family;
    const void* address = family == AF_INET ? (const void*)&((struct sockaddr_in*)entry->ifa_addr)->sin_addr
                          : family == AF_INET6
                              ? (const void*)&((struct sockaddr_in6*)entry->ifa_addr)->sin6_addr
                              : NULL;
    if (address && inet_ntop(family, address, text, sizeof text)) json_string(NULL, text);
  }
  json_close(']');
}

void section_network(void) {
  static const struct {
    unsigned bit;
    const char* name;
  } flags[] = {
      {IFF_UP, "up"}, {IFF_LOOPBACK, "loopback"}, {IFF_RUNNING, "running"}, {IFF_BROADCAST, "broadcast"}};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct if_nameindex* devices = if_nameindex();
  struct ifaddrs* addresses = NULL;
  if (getifaddrs(&addresses) != 0) addresses = NULL;
  json_open("network", '[');
  for (struct if_nameindex* device = devices; device && device->if_name; device++) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, device->if_name, IFNAMSIZ - 1);
    json_open(NULL, '{');
    json_string("name", device->if_name);
    json_open("flags", '[');
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
      for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if ((unsigned short)request.ifr_flags & flags[i].bit) json_string(NULL, flags[i].name);
    json_close(']');
    json_number("mtu", ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : -1);
    report_addresses(addresses, device->if_name);
    json_close('}');
  }
  json_close(']');
}
