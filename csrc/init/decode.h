// A plan whose every offset, length and number was checked once, and typed access to its records.
#pragma once

#include "../generated/steps.h"
#include "../plan.h"
#include "str.h"

namespace oci {

// A list of strings in a record; each ends with a NUL.
class StrList {
 public:
  StrList() = default;
  StrList(const u8* record, const u64* words, u32 size) : record_(record), words_(words), size_(size) {}
  u32 size() const { return size_; }
  Str operator[](u32 i) const {
    u32 offset = static_cast<u32>(words_[i]);
    return Str(reinterpret_cast<const char*>(record_) + offset, static_cast<u32>(words_[i] >> 32));
  }

 private:
  const u8* record_ = nullptr;
  const u64* words_ = nullptr;
  u32 size_ = 0;
};

// A list of integers in a record.
class NumList {
 public:
  NumList() = default;
  NumList(const u64* words, u32 size) : words_(words), size_(size) {}
  u32 size() const { return size_; }
  u64 operator[](u32 i) const { return words_[i]; }

 private:
  const u64* words_ = nullptr;
  u32 size_ = 0;
};

// One step of a decoded plan. Fields are named by the generated constants: `r.str(f::mountFs::target)`. An
// absent optional field reads as 0, false, an empty text or list, kNoSlot.
class Record {
 public:
  explicit Record(const u8* base) : base_(base) {}

  const RecordHeader& header() const { return *reinterpret_cast<const RecordHeader*>(base_); }
  Op op() const { return static_cast<Op>(header().op); }
  bool or_else() const { return (header().flags & kRecordOrElse) != 0; }
  // Whether a failure with this (positive) errno is none.
  bool ignores(i32 error) const {
    for (u16 ignored : header().ignore) {
      if (ignored != 0 && ignored == error) return true;
    }
    return false;
  }

  u64 num(u32 field) const { return words()[field]; }
  i64 snum(u32 field) const { return static_cast<i64>(words()[field]); }
  u32 num32(u32 field) const { return static_cast<u32>(words()[field]); }
  bool flag(u32 field) const { return words()[field] != 0; }
  u32 slot(u32 field) const { return static_cast<u32>(words()[field]); }
  bool has_slot(u32 field) const { return slot(field) != kNoSlot; }
  // Whether an optional text or bytes field is there (it may be empty).
  bool has(u32 field) const { return offset(field) != 0; }
  Str str(u32 field) const {
    if (offset(field) == 0) return Str();
    return Str(reinterpret_cast<const char*>(base_) + offset(field), length(field));
  }
  Bytes bytes(u32 field) const {
    if (offset(field) == 0) return Bytes();
    return Bytes{base_ + offset(field), length(field)};
  }
  StrList strs(u32 field) const { return StrList(base_, list(field), length(field)); }
  NumList nums(u32 field) const { return NumList(list(field), length(field)); }

 private:
  const u64* words() const { return reinterpret_cast<const u64*>(base_ + sizeof(RecordHeader)); }
  const u64* list(u32 field) const { return reinterpret_cast<const u64*>(base_ + offset(field)); }
  u32 offset(u32 field) const { return static_cast<u32>(words()[field]); }
  u32 length(u32 field) const { return static_cast<u32>(words()[field] >> 32); }

  const u8* base_;
};

// A decoded plan: a view of the buffer, which must outlive it and must not change.
struct Plan {
  const u8* base = nullptr;
  u32 size = 0;
  u32 count = 0;
  u32 flags = 0;

  bool traced() const { return (flags & kPlanTrace) != 0; }
  // Offset of the first record, and of the one after `offset`.
  static constexpr u32 first() { return sizeof(PlanHeader); }
  Record at(u32 offset) const { return Record(base + offset); }
  u32 next(u32 offset) const { return offset + at(offset).header().size; }
};

enum class DecodeError : u8 {
  none,
  too_small,
  misaligned,
  magic,
  abi,
  size,
  reserved,
  record_size,
  op,
  record_flags,
  ignore,
  kind_bool,
  kind_slot,
  missing,
  bounds,
  alignment,
  terminator,
  nul_inside,
  count,
};

// What is wrong, in words: "a string has no NUL at its end".
const char* decode_error_text(DecodeError error);

struct DecodeResult {
  DecodeError error = DecodeError::none;
  u32 step = 0;    // index of the bad record
  u32 offset = 0;  // of the bad record in the buffer
};

// Checks `size` bytes at `data` (8-byte aligned) as a whole and, if they are a plan of this step table, makes
// `plan` a view of them. Reads nothing outside of the buffer, whatever is in it.
DecodeResult decode_plan(const u8* data, usize size, Plan& plan);

// The row of an operation, or null.
const StepInfo* step_info(u16 op);

}  // namespace oci
