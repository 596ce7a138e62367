// The kernel's constants and structures. Only for the .cc files of the interpreter: these headers do not go
// together with those of a C library. What is newer than Linux 6.1's headers, or only in a C library's, is
// defined here.
#pragma once

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "../types.h"

#ifndef CLOSE_RANGE_UNSHARE
#include <linux/close_range.h>
#endif

namespace oci {

// Signals (asm/signal.h has a sigaction of another layout).
inline constexpr int kSigKill = 9;
inline constexpr int kSigPipe = 13;
inline constexpr int kSigTerm = 15;
inline constexpr int kSigChld = 17;
inline constexpr int kSigStop = 19;
inline constexpr int kSignals = 64;
inline constexpr int kSigBlock = 0;
inline constexpr int kSigUnblock = 1;
inline constexpr int kSigSetmask = 2;
inline constexpr u64 kSaRestorer = 0x04000000;
struct SigAction {
  u64 handler;  // 0 default, 1 ignore
  u64 flags;
  u64 restorer;
  u64 mask;
};

// Sockets.
inline constexpr int kAfUnix = 1;
inline constexpr int kAfInet = 2;
inline constexpr int kAfInet6 = 10;
inline constexpr int kSockStream = 1;
inline constexpr int kSockDgram = 2;
inline constexpr int kSockSeqpacket = 5;
inline constexpr int kSockCloexec = 02000000;
inline constexpr int kSockNonblock = 04000;
inline constexpr int kSolSocket = 1;
inline constexpr int kScmRights = 1;
inline constexpr int kMsgNosignal = 0x4000;
inline constexpr int kMsgDontwait = 0x40;
inline constexpr int kMsgCmsgCloexec = 0x40000000;
inline constexpr int kMsgCtrunc = 0x08;
inline constexpr int kMsgTrunc = 0x20;
struct IoVec {
  const void* base;
  usize size;
};
struct MsgHdr {
  void* name;
  u32 name_size;
  IoVec* iov;
  usize iov_count;
  void* control;
  usize control_size;
  u32 flags;
};
struct CmsgHdr {
  usize size;
  i32 level;
  i32 type;
};
struct SockAddrUn {
  u16 family;
  char path[108];
};

// poll(2).
inline constexpr i16 kPollIn = 1;
inline constexpr i16 kPollOut = 4;
inline constexpr i16 kPollErr = 8;
inline constexpr i16 kPollHup = 16;
inline constexpr i16 kPollRdhup = 0x2000;
struct PollFd {
  i32 fd;
  i16 events;
  i16 revents;
};

struct TimeSpec {
  i64 sec;
  i64 nsec;
};
inline constexpr int kClockMonotonic = 1;
inline constexpr int kClockBoottime = 7;

// getdents64(2): the name, with its NUL, follows.
struct Dirent {
  u64 ino;
  i64 off;
  u16 size;
  u8 type;

  const char* name() const { return reinterpret_cast<const char*>(this) + 19; }
};
inline constexpr u8 kDtUnknown = 0;
inline constexpr u8 kDtDir = 4;

// statfs(2); the same layout on x86_64 and arm64.
struct StatFs {
  i64 type;
  i64 bsize;
  u64 blocks;
  u64 bfree;
  u64 bavail;
  u64 files;
  u64 ffree;
  i32 fsid[2];
  i64 namelen;
  i64 frsize;
  i64 flags;
  i64 spare[4];
};

// Flags of flock(2).
inline constexpr int kLockEx = 2;
inline constexpr int kLockNb = 4;

// waitid(2).
inline constexpr int kPPid = 1;
inline constexpr int kPPidfd = 3;
inline constexpr int kWNohang = 1;
inline constexpr int kWExited = 4;
inline constexpr int kWNowait = 0x01000000;
inline constexpr int kWAll = 0x40000000;  // __WALL
inline constexpr int kCldExited = 1;

}  // namespace oci

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8
#endif
#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif
#ifndef PROC_SUPER_MAGIC
#define PROC_SUPER_MAGIC 0x9fa0
#endif
