// SPDX-License-Identifier: Apache-2.0
//
// The rules, from what is cheapest to say to what is hardest to see.
#include "host/in_process_rules.h"

#include <dcp/plugin.h>
#include <link.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "host/elf.h"
#include "host/elf_dynamic.h"
#include "host/manifest.h"

namespace dcp::host {
namespace {

/// The C and C++ runtimes: the daemon has them loaded, and there is one of each in a process
/// whatever happens. Everything else may come in two versions, or keep state that a second user of
/// it breaks.
constexpr std::string_view kAllowed[] = {
    "libc.so.6",
    "libm.so.6",
    "libstdc++.so.6",
    "libgcc_s.so.1",
#if defined(__x86_64__)
    "ld-linux-x86-64.so.2",
    "linux-vdso.so.1",
#else
    "ld-linux-aarch64.so.1",
    "linux-vdso.so.1",
#endif
// A build with a sanitizer has the sanitizer's own runtime in every file.
#if defined(__SANITIZE_ADDRESS__)
    "libasan.so.8",
    "libubsan.so.1",
#elif defined(__SANITIZE_THREAD__)
    "libtsan.so.2",
#endif
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // its symbols have no versions
#else
constexpr bool kSanitized = false;
#endif

bool Allowed(const std::string& name) {
  return std::find(std::begin(kAllowed), std::end(kAllowed), name) != std::end(kAllowed);
}

/// Libraries in this process by the name others need them by.
std::map<std::string, std::string> Loaded() {
  std::map<std::string, std::string> loaded;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) {
        const std::string path = info->dlpi_name;
        if (!path.empty()) {
          (*static_cast<std::map<std::string, std::string>*>(
              out))[path.substr(path.rfind('/') + 1)] = path;
        }
        return 0;
      },
      &loaded);
  return loaded;
}

Status Refused(const std::string& shown, const std::string& why) {
  return FailedPrecondition(shown + " cannot run in the daemon's process: " + why)
      .WithHint("use isolation: worker");
}

std::string Some(const std::vector<std::string>& names) {
  constexpr size_t kShownMax = 5;  // enough to know what they are
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShownMax; ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > kShownMax)
    text += " and " + std::to_string(names.size() - kShownMax) + " more";
  return text;
}

Status CheckExports(const std::string& path, const std::string& shown) {
  DCP_ASSIGN(const ElfFacts facts, ReadElf(path));
  std::vector<std::string> others;
  for (const std::string& name : facts.exported) {
    if (name != DCP_ENTRY_SYMBOL) others.push_back(name);
  }
  if (others.empty()) return Status::Ok();
  return Refused(shown, "it exports more than " DCP_ENTRY_SYMBOL ": " + Some(others));
}

/// A file without a readable manifest is refused elsewhere, with better words.
Status CheckRuntime(const std::string& path, const std::string& shown) {
  const Result<Manifest> manifest = ReadManifest(path);
  if (!manifest.ok() || manifest->language_runtime == LanguageRuntime::kNative) return Status::Ok();
  return Refused(shown,
                 "its manifest says \"language_runtime\": \"managed\", and such a runtime brings "
                 "threads and signal handlers that the daemon would share");
}

Status CheckFlags(const DynamicFacts& facts, const std::string& shown) {
  if (!facts.search_path.empty()) {
    return Refused(shown, "it says where its libraries are searched (" + facts.search_path + ")");
  }
  if (!facts.hooks.empty()) return Refused(shown, "it is linked with " + Some(facts.hooks));
  if (facts.interposes) return Refused(shown, "it is linked with -z interpose");
  if (facts.global) return Refused(shown, "it is linked with -z global");
  if (facts.executable_stack) return Refused(shown, "it asks for an executable stack");
  if (facts.text_relocations) return Refused(shown, "it has text relocations");
  if (!facts.unique.empty()) {
    return Refused(shown, "it defines process-wide symbols: " + Some(facts.unique));
  }
  if (!kSanitized && !facts.unversioned.empty()) {
    return Refused(shown,
                   "it leaves symbols to whatever is in the process: " + Some(facts.unversioned));
  }
  return Status::Ok();
}

/// As the loader resolves them: a name that is loaded already is that library, wherever else a file
/// of the name may be.
Status CheckClosure(const DynamicFacts& facts, const std::string& shown) {
  const std::map<std::string, std::string> loaded = Loaded();
  struct Step {
    std::string name;
    std::string chain;
  };
  std::deque<Step> steps;
  std::set<std::string> seen;
  for (const std::string& name : facts.needed) steps.push_back({name, name});
  while (!steps.empty()) {
    const Step step = steps.front();
    steps.pop_front();
    if (!seen.insert(step.name).second) continue;
    if (!Allowed(step.name)) {
      return Refused(
          shown, "it needs " + step.chain + "; allowed are libc, libm, libstdc++ and libgcc alone");
    }
    const auto found = loaded.find(step.name);
    if (found == loaded.end()) {
      return Refused(shown, "it needs " + step.chain + ", which the daemon itself has not loaded");
    }
    // The kernel's own and the loader need nothing, and the former is no file.
    if (step.name.rfind("linux-vdso", 0) == 0) continue;
    DCP_ASSIGN(const DynamicFacts library, ReadDynamic(found->second));
    for (const std::string& name : library.needed) {
      steps.push_back({name, step.chain + " -> " + name});
    }
  }
  return Status::Ok();
}

}  // namespace

Status CheckInProcess(const std::string& path, const std::string& shown) {
  // First: it is the author's own word, and what the other rules would find follows from it.
  DCP_TRY(CheckRuntime(path, shown));
  DCP_ASSIGN(const DynamicFacts facts, ReadDynamic(path));
  DCP_TRY(CheckClosure(facts, shown));
  DCP_TRY(CheckExports(path, shown));
  return CheckFlags(facts, shown);
}

}  // namespace dcp::host
