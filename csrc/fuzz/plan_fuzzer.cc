// libFuzzer target: the decoder, and every access that an interpreter makes to a plan that it took.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan_walk.h"

// Most inputs would end at the header. The first byte says whether it is put right, so that the records are
// reached.
static void repair_header(oci::u8* plan, size_t size) {
  oci::PlanHeader header;
  if (size < sizeof(header)) return;
  memcpy(&header, plan, sizeof(header));
  header.magic = oci::kPlanMagic;
  header.abi = oci::kPlanAbi;
  header.size = static_cast<oci::u32>(size);
  header.flags &= oci::kPlanTrace;
  memset(header.reserved, 0, sizeof(header.reserved));
  memcpy(plan, &header, sizeof(header));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  bool repair = (data[0] & 1) != 0;
  size -= 1;
  // Memory of exactly this size, so that a read beyond it is seen.
  oci::u8* plan = static_cast<oci::u8*>(malloc(size == 0 ? 1 : size));
  if (plan == nullptr) return -1;
  memcpy(plan, data + 1, size);
  if (repair) repair_header(plan, size);
  oci::Plan decoded;
  oci::DecodeResult result = oci::decode_plan(plan, size, decoded);
  if (oci::decode_error_text(result.error)[0] == 0) abort();
  if (result.error == oci::DecodeError::none) {
    oci::walk_plan(decoded);
  } else if (decoded.base != nullptr) {
    abort();
  }
  free(plan);
  return 0;
}
