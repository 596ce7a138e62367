/* exchange A B: exchanges two names, as fast as it can, until it is killed or its parent ends. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  if (argc != 3)
    return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) != 0) {
    perror("renameat2");
    return 1;
  }
  printf("exchanging\n");
  fflush(stdout);
  for (;;)
    renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
}
