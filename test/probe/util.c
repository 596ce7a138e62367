#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.h"

static char content[1 << 20];

const char* slurp(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NULL;
  size_t length = 0;
  ssize_t got;
  while (length < sizeof content - 1 && (got = read(fd, content + length, sizeof content - 1 - length)) > 0)
    length += (size_t)got;
  bool failed = got < 0;
  close(fd);
  if (failed) return NULL;
  while (length > 0 && (content[length - 1] == '\n' || content[length - 1] == '\0')) length--;
  content[length] = '\0';
  return content;
}

const char* link_target(const char* path) {
  static char target[PATH_MAX];
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length < 0) return NULL;
  target[length] = '\0';
  return target;
}

const char* errno_name(int number) {
  return strerrorname_np(number);
}

const char* file_type(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFCHR:
      return "char";
    case S_IFBLK:
      return "block";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "anonymous";
  }
}

void json_lines(const char* key, const char* path) {
  const char* line = slurp(path);
  if (!line) {
    json_null(key);
    return;
  }
  json_open(key, '[');
  while (*line) {
    size_t length = strcspn(line, "\n");
    json_bytes(NULL, line, length);
    line += length + (line[length] == '\n');
  }
  json_close(']');
}

void json_file(const char* key, const char* path) {
  json_string(key, slurp(path));
}
