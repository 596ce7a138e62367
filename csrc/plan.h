// The binary form of a plan, and the memory that the parent shares with the init program.
//
// A plan (lib/plan/wire.ts has the same layout) is one flat buffer, little-endian, every record 8-byte
// aligned:
//
//   PlanHeader, then `count` times: RecordHeader, one u64 word a field, data
//
// A word is an integer, or a reference: u32 offset from the record's start in its low half, u32 length in its
// high half. Strings end with a NUL that the length does not count. Offset 0 is an absent value.
//
// The launcher hands a plan over in a memfd, which also has the report:
//
//   Report | u64 times[times_capacity] | u32 pass[pass_count] | padding to plan_offset | plan
//
// and these fds: kPlanFd the memfd, kParentFd a SOCK_SEQPACKET socket to the parent, and from kFirstPassFd on
// the `pass_count` fds whose init slots `pass` names. The parent writes everything but the fields that init
// reports, and believes nothing of those but the numbers.
#pragma once

#include "types.h"

namespace oci {

inline constexpr u32 kPlanMagic = 0x5049434f;  // 'OCIP'
inline constexpr u32 kPlanTrace = 1;           // PlanHeader.flags: time each step
inline constexpr u16 kRecordOrElse = 1;        // RecordHeader.flags
inline constexpr u32 kMaxSlots = 1024;
inline constexpr u32 kNoSlot = 0xffffffff;
inline constexpr u32 kMaxPlanSize = 64 * 1024 * 1024;
inline constexpr u32 kMaxIgnores = 4;

struct PlanHeader {
  u32 magic;
  u32 abi;    // kPlanAbi
  u32 size;   // of the whole plan, in bytes
  u32 count;  // of records
  u32 flags;
  u32 reserved[3];
};
static_assert(sizeof(PlanHeader) == 32);

struct RecordHeader {
  u32 size;  // of the whole record, a multiple of 8
  u16 op;
  u16 flags;
  u16 ignore[kMaxIgnores];  // errno values that are no failure; unused entries are 0
};
static_assert(sizeof(RecordHeader) == 16);

inline constexpr int kPlanFd = 3;
inline constexpr int kParentFd = 4;
inline constexpr int kFirstPassFd = 5;

inline constexpr u32 kReportMagic = 0x5249434f;  // 'OCIR'

// Report.flags: the process was born in its v2 cgroup (CLONE_INTO_CGROUP), so joining it is needless. (It
// would do no harm, but that write takes a lock that every fork and exit on the machine needs.)
inline constexpr u32 kReportInCgroup = 1;

enum class ReportState : u32 { none = 0, running = 1, failed = 2, done = 3 };

struct Report {
  // Written by the parent.
  u32 magic;
  u32 plan_offset;  // in bytes from the file's begin; a multiple of 8
  u32 plan_size;
  u32 pass_count;
  u32 times_capacity;  // entries that follow this struct
  u32 flags;           // kReport…
  // Written by init.
  u32 state;    // ReportState
  u32 step;     // index in the plan of the step in progress, or that failed
  u32 part;     // 0: the plan itself; 1: the tail that replaced its rest
  i32 error;    // positive errno, 0: none yet
  u32 syscall;  // index in kSyscallNames
  // CLOCK_MONOTONIC nanoseconds in `times`: the begin, then the end of each step (skipped ones too). At most
  // times_capacity; a tail goes on where the plan left off.
  u32 times_count;
};
static_assert(sizeof(Report) == 48);

// Bytes of the shared file before the plan.
inline constexpr u64 report_region_size(u32 times_capacity, u32 pass_count) {
  u64 bytes = sizeof(Report) + u64{times_capacity} * 8 + u64{pass_count} * 4;
  return (bytes + 4095) & ~u64{4095};
}

}  // namespace oci
