// `seccompCompile`: from a profile to BPF instructions, by libseccomp, on a worker thread.
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../init/slots.h"
#include "enosys.h"
#include "exports.h"
#include "instance.h"
#include "libseccomp.h"
#include "values.h"

namespace oci::addon {
namespace {

// The kernel's BPF_MAXINSNS.
constexpr size_t kMostInsns = 4096;
// From so many rules on, a filter that searches a tree beats one that goes through all.
constexpr size_t kManyRules = 32;
constexpr unsigned kMostArgs = 6;

struct Rule {
  std::string name;
  uint32_t action = 0;
  std::vector<ScmpArg> args;
};

struct Profile {
  uint32_t default_action = 0;
  std::vector<uint32_t> architectures;
  std::vector<Rule> rules;
  bool enosys = false;
};

class Filter {
 public:
  Filter(const LibSeccomp& library, uint32_t default_action)
      : library_(library), context_(library.init(default_action)) {}
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  ~Filter() {
    if (context_ != nullptr) library_.release(context_);
  }
  void* get() const { return context_; }

 private:
  const LibSeccomp& library_;
  void* context_;
};

// libseccomp has state of its own besides its contexts: one compilation at a time.
constinit Mutex library_mutex;

std::string failed(const char* what, const std::string& of, int rc) {
  return std::string(what) + "(" + of + "): " + errno_name(-rc);
}

std::string hex(uint32_t value) {
  char text[16];
  snprintf(text, sizeof(text), "0x%x", value);
  return text;
}

bool names_an_argument_twice(const std::vector<ScmpArg>& args) {
  unsigned seen = 0;
  for (const ScmpArg& arg : args) {
    if ((seen & 1u << arg.arg) != 0) return true;
    seen |= 1u << arg.arg;
  }
  return false;
}

class Compiler {
 public:
  Compiler(const LibSeccomp& library, const Profile& profile) : lib_(library), profile_(profile) {}

  // An empty text, or what went wrong.
  std::string compile(std::vector<BpfInsn>& out);

 private:
  std::string add_architectures(void* filter);
  std::string add_rule(void* filter, const Rule& rule);
  std::string add(void* filter, const Rule& rule, int number, const ScmpArg* args, size_t count);
  std::string export_filter(void* filter, std::vector<BpfInsn>& out);
  std::vector<ArchLimit> limits() const;

  const LibSeccomp& lib_;
  const Profile& profile_;
  std::vector<uint32_t> architectures_;
};

std::string Compiler::add_architectures(void* filter) {
  architectures_.push_back(lib_.arch_native());
  for (uint32_t arch : profile_.architectures) {
    if (lib_.arch_exist(filter, arch) == 0) continue;
    int rc = lib_.arch_add(filter, arch);
    if (rc == -EDOM) return "architecture " + hex(arch) + " has another byte order than this machine";
    if (rc != 0) return failed("seccomp_arch_add", hex(arch), rc);
    architectures_.push_back(arch);
  }
  return {};
}

std::string Compiler::add(void* filter, const Rule& rule, int number, const ScmpArg* args, size_t count) {
  int rc = lib_.rule_add_array(filter, rule.action, number, static_cast<unsigned>(count), args);
  return rc == 0 ? std::string() : failed("seccomp_rule_add", rule.name, rc);
}

std::string Compiler::add_rule(void* filter, const Rule& rule) {
  // libseccomp refuses rules that only repeat the default.
  if (rule.action == profile_.default_action) return {};
  int number = lib_.resolve_name(rule.name.c_str());
  if (number == kScmpUnknownSyscall) return {};
  if (!names_an_argument_twice(rule.args))
    return add(filter, rule, number, rule.args.data(), rule.args.size());
  // libseccomp can't join two comparisons of one argument: then each stands alone, and any of them suffices.
  for (const ScmpArg& arg : rule.args) {
    std::string error = add(filter, rule, number, &arg, 1);
    if (!error.empty()) return error;
  }
  return {};
}

std::vector<ArchLimit> Compiler::limits() const {
  std::vector<ArchLimit> result;
  for (uint32_t arch : architectures_) {
    int64_t highest = -1;
    for (const Rule& rule : profile_.rules) {
      int number = lib_.resolve_name_arch(arch, rule.name.c_str());
      if (counts_for_limit(arch, number) && number > highest) highest = number;
    }
    if (highest >= 0) result.push_back({arch, static_cast<uint32_t>(highest)});
  }
  return result;
}

std::string Compiler::export_filter(void* filter, std::vector<BpfInsn>& out) {
  Fd fd(memfd_create("oci-ts-seccomp", MFD_CLOEXEC));
  if (!fd.valid()) return failed("memfd_create", "", -errno);
  int rc = lib_.export_bpf(filter, fd.get());
  if (rc != 0) return failed("seccomp_export_bpf", "", rc);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return failed("fstat", "", -errno);
  size_t bytes = static_cast<size_t>(status.st_size);
  size_t before = out.size();
  if (bytes % sizeof(BpfInsn) != 0 || before + bytes / sizeof(BpfInsn) > kMostInsns) {
    return "the filter is too long: " + std::to_string(before + bytes / sizeof(BpfInsn)) +
           " instructions, the kernel takes " + std::to_string(kMostInsns);
  }
  out.resize(before + bytes / sizeof(BpfInsn));
  ssize_t n = pread(fd.get(), out.data() + before, bytes, 0);
  if (n != status.st_size) return failed("pread", "", n < 0 ? -errno : -EIO);
  return {};
}

std::string Compiler::compile(std::vector<BpfInsn>& out) {
  Filter filter(lib_, profile_.default_action);
  if (filter.get() == nullptr) {
    return "seccomp_init(" + hex(profile_.default_action) + "): this action is not known here";
  }
  std::string error = add_architectures(filter.get());
  for (size_t i = 0; error.empty() && i < profile_.rules.size(); i++) {
    error = add_rule(filter.get(), profile_.rules[i]);
  }
  if (!error.empty()) return error;
  // libseccomp before 2.5 has no such attribute; the filter is right without it.
  if (profile_.rules.size() > kManyRules) (void)lib_.attr_set(filter.get(), kScmpCtlOptimize, 2);
  if (profile_.enosys) out = enosys_prelude(limits());
  return export_filter(filter.get(), out);
}

class CompileJob final : public Job {
 public:
  explicit CompileJob(Napi::Env env) : Job(env) {}
  Profile profile;

  void work(Worker&) override {
    const char* missing = nullptr;
    const LibSeccomp* library = LibSeccomp::get(missing);
    if (library == nullptr) {
      error_ = missing;
      return;
    }
    Lock lock(library_mutex);
    error_ = Compiler(*library, profile).compile(filter_);
  }

 private:
  void settle(Napi::Env env) override {
    if (!error_.empty()) {
      reject(env, Napi::Error::New(env, error_).Value());
      return;
    }
    resolve(env, make_bytes(env, filter_.data(), filter_.size() * sizeof(BpfInsn)));
  }

  std::string error_;
  std::vector<BpfInsn> filter_;
};

bool read_u64(const Napi::Value& value, uint64_t& out) {
  if (value.IsBigInt()) {
    bool lossless = false;
    out = value.As<Napi::BigInt>().Uint64Value(&lossless);
    return lossless;
  }
  if (!value.IsNumber()) return false;
  out = static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
  return true;
}

bool read_args(const Napi::Value& value, std::vector<ScmpArg>& out) {
  if (!value.IsArray()) return false;
  Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::Value entry = list.Get(i);
    if (!entry.IsArray() || entry.As<Napi::Array>().Length() != 4) return false;
    uint64_t word[4];
    for (uint32_t j = 0; j < 4; j++) {
      if (!read_u64(entry.As<Napi::Array>().Get(j), word[j])) return false;
    }
    if (word[0] >= kMostArgs) return false;
    out.push_back({static_cast<unsigned>(word[0]), static_cast<int>(word[1]), word[2], word[3]});
  }
  return true;
}

bool read_profile(const Napi::Value& value, Profile& out) {
  if (!value.IsObject()) return false;
  Napi::Object source = value.As<Napi::Object>();
  uint64_t word = 0;
  if (!read_u64(source.Get("defaultAction"), word)) return false;
  out.default_action = static_cast<uint32_t>(word);
  out.enosys = source.Get("enosys").ToBoolean();
  Napi::Value architectures = source.Get("architectures"), rules = source.Get("rules");
  if (!architectures.IsArray() || !rules.IsArray()) return false;
  for (uint32_t i = 0; i < architectures.As<Napi::Array>().Length(); i++) {
    if (!read_u64(architectures.As<Napi::Array>().Get(i), word)) return false;
    out.architectures.push_back(static_cast<uint32_t>(word));
  }
  Napi::Array list = rules.As<Napi::Array>();
  out.rules.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::HandleScope scope(value.Env());
    if (!list.Get(i).IsObject()) return false;
    Napi::Object entry = list.Get(i).As<Napi::Object>();
    Napi::Value name = entry.Get("name");
    Rule rule;
    if (!name.IsString() || !read_u64(entry.Get("action"), word) ||
        !read_args(entry.Get("args"), rule.args)) {
      return false;
    }
    rule.name = name.As<Napi::String>().Utf8Value();
    rule.action = static_cast<uint32_t>(word);
    out.rules.push_back(std::move(rule));
  }
  return true;
}

Napi::Value compile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto job = std::make_unique<CompileJob>(env);
  if (!read_profile(info[0], job->profile)) {
    if (!env.IsExceptionPending())
      Napi::TypeError::New(env, "not a seccomp profile").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Job::submit(std::move(job));
}

Napi::Value version(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const char* missing = nullptr;
  const LibSeccomp* library = LibSeccomp::get(missing);
  if (library == nullptr) return env.Null();
  const ScmpVersion* v = library->version();
  return Napi::String::New(
      env, std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->micro));
}

}  // namespace

void init_seccomp(Napi::Env env, Napi::Object exports) {
  exports.Set("seccompCompile", Napi::Function::New<compile>(env, "seccompCompile"));
  exports.Set("seccompVersion", Napi::Function::New<version>(env, "seccompVersion"));
}

}  // namespace oci::addon
