#include "decode.h"

namespace oci {
namespace {

// Checks one record. `size` is that of the record, already known to lie inside the buffer.
class RecordCheck {
 public:
  RecordCheck(const u8* base, u32 size) : base_(base), size_(size) {}

  DecodeError run() const {
    const RecordHeader& header = *reinterpret_cast<const RecordHeader*>(base_);
    const StepInfo* info = step_info(header.op);
    if (info == nullptr) return DecodeError::op;
    if ((header.flags & ~kRecordOrElse) != 0) return DecodeError::record_flags;
    for (u16 ignored : header.ignore) {
      if (ignored > 4095) return DecodeError::ignore;
    }
    if (size_ < data_begin(*info)) return DecodeError::record_size;
    for (u32 i = 0; i < info->fields; i++) {
      DecodeError error = field(*info, i);
      if (error != DecodeError::none) return error;
    }
    return DecodeError::none;
  }

 private:
  static u32 data_begin(const StepInfo& info) { return sizeof(RecordHeader) + info.fields * 8u; }
  static u32 low(u64 word) { return static_cast<u32>(word); }
  static u32 high(u64 word) { return static_cast<u32>(word >> 32); }
  u64 word_at(u32 offset) const { return *reinterpret_cast<const u64*>(base_ + offset); }

  DecodeError field(const StepInfo& info, u32 index) const {
    u64 word = word_at(static_cast<u32>(sizeof(RecordHeader)) + index * 8);
    bool optional = (info.kinds[index] & kind::optional) != 0;
    u32 begin = data_begin(info);
    switch (info.kinds[index] & ~kind::optional) {
      case kind::u64_:
      case kind::i64_:
        return DecodeError::none;
      case kind::bool_:
        return word <= 1 ? DecodeError::none : DecodeError::kind_bool;
      case kind::slot_:
        if (word < kMaxSlots) return DecodeError::none;
        if (word != kNoSlot) return DecodeError::kind_slot;
        return optional ? DecodeError::none : DecodeError::missing;
      case kind::str_:
        return string(word, begin, optional);
      case kind::bytes_:
        if (low(word) == 0) return absent(word, optional);
        return span(word, begin, 1);
      case kind::strs_: {
        if (low(word) == 0) return absent(word, true);
        DecodeError error = span(word, begin, 8);
        for (u32 i = 0; error == DecodeError::none && i < high(word); i++) {
          error = string(word_at(low(word) + i * 8), begin, false);
        }
        return error;
      }
      default:  // u64s
        if (low(word) == 0) return absent(word, true);
        return span(word, begin, 8);
    }
  }

  static DecodeError absent(u64 word, bool optional) {
    if (high(word) != 0) return DecodeError::bounds;
    return optional ? DecodeError::none : DecodeError::missing;
  }

  // A reference to high(word) things of `unit` bytes: inside the record, behind its words.
  DecodeError span(u64 word, u32 begin, u32 unit) const {
    if (low(word) < begin || low(word) > size_) return DecodeError::bounds;
    if (u64{high(word)} * unit > size_ - low(word)) return DecodeError::bounds;
    if (unit == 8 && low(word) % 8 != 0) return DecodeError::alignment;
    return DecodeError::none;
  }

  DecodeError string(u64 word, u32 begin, bool optional) const {
    if (low(word) == 0) return absent(word, optional);
    DecodeError error = span(word, begin, 1);
    if (error != DecodeError::none) return error;
    if (high(word) == size_ - low(word)) return DecodeError::terminator;
    const u8* text = base_ + low(word);
    if (text[high(word)] != 0) return DecodeError::terminator;
    for (u32 i = 0; i < high(word); i++) {
      if (text[i] == 0) return DecodeError::nul_inside;
    }
    return DecodeError::none;
  }

  const u8* base_;
  u32 size_;
};

DecodeError check_header(const PlanHeader& header, usize size) {
  if (header.magic != kPlanMagic) return DecodeError::magic;
  if (header.abi != kPlanAbi) return DecodeError::abi;
  if (header.size != size || size > kMaxPlanSize) return DecodeError::size;
  if ((header.flags & ~kPlanTrace) != 0) return DecodeError::reserved;
  for (u32 word : header.reserved) {
    if (word != 0) return DecodeError::reserved;
  }
  return DecodeError::none;
}

}  // namespace

DecodeResult decode_plan(const u8* data, usize size, Plan& plan) {
  if (size < sizeof(PlanHeader)) return {DecodeError::too_small, 0, 0};
  if (reinterpret_cast<usize>(data) % 8 != 0) return {DecodeError::misaligned, 0, 0};
  const PlanHeader& header = *reinterpret_cast<const PlanHeader*>(data);
  DecodeError error = check_header(header, size);
  if (error != DecodeError::none) return {error, 0, 0};
  u32 total = header.size;
  u32 offset = Plan::first();
  for (u32 step = 0; step < header.count; step++) {
    if (total - offset < sizeof(RecordHeader)) return {DecodeError::count, step, offset};
    u32 record_size = reinterpret_cast<const RecordHeader*>(data + offset)->size;
    if (record_size < sizeof(RecordHeader) || record_size % 8 != 0 || record_size > total - offset) {
      return {DecodeError::record_size, step, offset};
    }
    error = RecordCheck(data + offset, record_size).run();
    if (error != DecodeError::none) return {error, step, offset};
    offset += record_size;
  }
  if (offset != total) return {DecodeError::count, header.count, offset};
  plan = Plan{data, total, header.count, header.flags};
  return {};
}

const StepInfo* step_info(u16 op) {
  u32 low = 0;
  u32 high = kStepCount;
  while (low < high) {
    u32 middle = (low + high) / 2;
    u16 found = static_cast<u16>(kSteps[middle].op);
    if (found == op) return &kSteps[middle];
    if (found < op) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

const char* decode_error_text(DecodeError error) {
  switch (error) {
    case DecodeError::none:
      return "nothing is wrong";
    case DecodeError::too_small:
      return "it is shorter than its header";
    case DecodeError::misaligned:
      return "its memory is not aligned to 8 bytes";
    case DecodeError::magic:
      return "it does not begin like a plan";
    case DecodeError::abi:
      return "it was made for another version";
    case DecodeError::size:
      return "its header tells another size";
    case DecodeError::reserved:
      return "its header has unknown flags";
    case DecodeError::record_size:
      return "a record has a wrong size";
    case DecodeError::op:
      return "there is no such operation";
    case DecodeError::record_flags:
      return "a record has unknown flags";
    case DecodeError::ignore:
      return "an ignored errno is none";
    case DecodeError::kind_bool:
      return "a boolean is neither 0 nor 1";
    case DecodeError::kind_slot:
      return "there is no such slot";
    case DecodeError::missing:
      return "a required field is missing";
    case DecodeError::bounds:
      return "a reference leads out of its record";
    case DecodeError::alignment:
      return "a list is not aligned to 8 bytes";
    case DecodeError::terminator:
      return "a string has no NUL at its end";
    case DecodeError::nul_inside:
      return "a string has a NUL inside";
    case DecodeError::count:
      return "it has more or fewer records than its header tells";
  }
  return "unknown";
}

}  // namespace oci
