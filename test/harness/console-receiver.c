// console-receiver PATH
//
// Listens on a unix socket, says "up", takes a terminal's master from whoever connects, says with which
// word it came, and copies what the terminal shows until its other side is closed.
#define _GNU_SOURCE
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void check(int failed, const char* what) {
  if (!failed) return;
  perror(what);
  exit(1);
}

static int receive(int connection, char* word, size_t room) {
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec bytes = {word, room - 1};
  struct msghdr message = {
      .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  check(length < 0, "recvmsg");
  word[length] = '\0';
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  check(!header || header->cmsg_type != SCM_RIGHTS, "no descriptor came");
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

int main(int argc, char** argv) {
  char path[4096], word[4096], shown[65536];
  if (argc != 2 || strlen(argv[1]) >= sizeof path) return 2;
  // A socket's address is short: it is bound by a short name, and then renamed.
  check(chdir(dirname(strcpy(path, argv[1]))) != 0, "chdir");
  int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
  check(bind(listening, (struct sockaddr*)&address, sizeof address) != 0, "bind");
  check(listen(listening, 1) != 0, "listen");
  check(rename("s", basename(strcpy(path, argv[1]))) != 0, "rename");
  printf("up\n");
  fflush(stdout);
  int connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
  check(connection < 0, "accept");
  int master = receive(connection, word, sizeof word);
  printf("%s\n", word);
  fflush(stdout);
  ssize_t length;
  // EIO, when nobody holds the other side any more.
  while ((length = read(master, shown, sizeof shown)) > 0)
    check(write(STDOUT_FILENO, shown, (size_t)length) != length, "write");
  return 0;
}
