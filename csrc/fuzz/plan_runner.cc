// Carries out a plan of host steps with the hosted interpreter, to be built with sanitizers:
//   plan_runner FILE [dry]   → one line of JSON
#include <stdio.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "../init/interp.h"
#include "../init/steps.h"
#include "plan_walk.h"

namespace oci {
namespace steps {

// The addon's own steps are tested with the addon.
#define OCI_REFUSE(name)                          \
  Result name(Context& ctx, const Record&) {      \
    return ctx.refuse(38, "not in this program"); \
  }
OCI_HOST_STEPS(OCI_REFUSE)
#undef OCI_REFUSE

}  // namespace steps

namespace {

std::vector<std::vector<u8>> reads;

std::string quoted(const char* text, size_t size) {
  std::string out = "\"";
  for (size_t i = 0; i < size; i++) {
    unsigned char ch = static_cast<unsigned char>(text[i]);
    char escape[8];
    if (ch < 0x20 || ch == '"' || ch == '\\') {
      snprintf(escape, sizeof(escape), "\\u%04x", ch);
      out += escape;
    } else {
      out += static_cast<char>(ch);
    }
  }
  return out + "\"";
}

bool load(const char* path, u8*& data, size_t& size) {
  FILE* file = fopen(path, "rb");
  if (file == nullptr) return false;
  fseek(file, 0, SEEK_END);
  size = static_cast<size_t>(ftell(file));
  rewind(file);
  data = static_cast<u8*>(malloc(size == 0 ? 1 : size));
  bool read = data != nullptr && fread(data, 1, size, file) == size;
  fclose(file);
  return read;
}

int run(const char* path, bool dry) {
  u8* data;
  size_t size;
  if (!load(path, data, size)) return 2;
  Plan plan;
  DecodeResult decoded = decode_plan(data, size, plan);
  if (decoded.error != DecodeError::none) {
    printf("{\"malformed\":\"%s\",\"step\":%u}\n", decode_error_text(decoded.error), decoded.step);
    free(data);
    return 0;
  }
  u32 count = walk_plan(plan);
  if (dry) {
    printf("{\"count\":%u}\n", count);
    free(data);
    return 0;
  }
  {
    Context ctx;
    ctx.hosted = true;
    ctx.reads.reserve = [](void*, usize max) -> u8* { return reads.emplace_back(max).data(); };
    ctx.reads.commit = [](void*, usize n) { reads.back().resize(n); };
    u32 marks = 0;
    TraceSink trace;
    trace.self = &marks;
    trace.mark = [](void* self, u64) { ++*static_cast<u32*>(self); };
    Result result = run_plan(ctx, plan, trace);
    printf("{\"errno\":%d,\"syscall\":\"%s\",\"step\":%u,\"text\":%s,\"marks\":%u,\"reads\":[", result.error,
           kSyscallNames[static_cast<u32>(result.sys)], ctx.step,
           quoted(ctx.text.c(), ctx.text.size()).c_str(), marks);
  }
  for (size_t i = 0; i < reads.size(); i++) {
    const char* text = reinterpret_cast<const char*>(reads[i].data());
    printf("%s%s", i == 0 ? "" : ",", quoted(text, reads[i].size()).c_str());
  }
  printf("]}\n");
  free(data);
  return 0;
}

}  // namespace
}  // namespace oci

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: plan_runner FILE [dry]\n");
    return 2;
  }
  return oci::run(argv[1], argc > 2);
}
