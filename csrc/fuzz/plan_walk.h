// Reads every field of every record of a decoded plan, as the steps would.
#pragma once

#include <stdlib.h>

#include "../init/decode.h"

namespace oci {

inline u64 walk_text(Str text) {
  // A terminated text without a NUL inside has the length that it says.
  if (__builtin_strlen(text.c()) != text.size) abort();
  return text.size;
}

inline u64 walk_field(const Record& r, u32 field, u8 field_kind) {
  u64 sum = 0;
  switch (field_kind & ~kind::optional) {
    case kind::str_:
      return walk_text(r.str(field)) + (r.has(field) ? 1 : 0);
    case kind::bytes_: {
      Bytes bytes = r.bytes(field);
      for (usize i = 0; i < bytes.size; i++) sum += bytes.data[i];
      return sum;
    }
    case kind::strs_: {
      StrList list = r.strs(field);
      for (u32 i = 0; i < list.size(); i++) sum += walk_text(list[i]);
      return sum;
    }
    case kind::u64s_: {
      NumList list = r.nums(field);
      for (u32 i = 0; i < list.size(); i++) sum += list[i];
      return sum;
    }
    case kind::slot_:
      if (r.has_slot(field) && r.slot(field) >= kMaxSlots) abort();
      return r.slot(field);
    case kind::bool_:
      return r.flag(field) ? 1 : 0;
    default:
      return r.num(field) + static_cast<u64>(r.snum(field));
  }
}

// How many records there are; a sum keeps the reads from being optimized away.
inline u32 walk_plan(const Plan& plan) {
  u32 count = 0;
  volatile u64 sum = 0;
  for (u32 offset = Plan::first(); offset < plan.size; offset = plan.next(offset)) {
    Record r = plan.at(offset);
    const StepInfo* info = step_info(static_cast<u16>(r.op()));
    if (info == nullptr) abort();
    for (u32 i = 0; i < info->fields; i++) sum = sum + walk_field(r, i, info->kinds[i]);
    sum = sum + (r.or_else() ? 1 : 0) + (r.ignores(2) ? 1 : 0);
    count++;
  }
  if (count != plan.count) abort();
  return count;
}

}  // namespace oci
