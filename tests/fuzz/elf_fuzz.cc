// SPDX-License-Identifier: Apache-2.0
//
// The ELF reader and the plugin manifest's JSON. Half of the inputs are a file as it is, half a
// manifest that is put into a sound file, so that its parser is reached as well.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "fuzz.h"
#include "host/elf.h"
#include "host/elf_builder.h"
#include "host/manifest.h"

namespace {

using dcp::host::Manifest;

/// A file in memory, by a path that can be opened.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(memfd_create("plugin.so", MFD_CLOEXEC)) {
    FUZZ_CHECK(fd_ >= 0);
    FUZZ_CHECK(write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void CheckManifest(const dcp::Result<Manifest>& manifest) {
  if (!manifest.ok()) {
    FUZZ_CHECK(!manifest.status().message().empty());
    FUZZ_CHECK(manifest.status().code() == dcp::Code::kInvalidArgument);
    return;
  }
  FUZZ_CHECK(!manifest->id.empty() && manifest->id.size() <= 64);
  FUZZ_CHECK(manifest->id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") ==
             std::string::npos);
  FUZZ_CHECK(!manifest->version.empty() && !manifest->capabilities.empty());
  // It stands in logs and in tables: one line of text.
  FUZZ_CHECK(std::none_of(manifest->version.begin(), manifest->version.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  }));
  std::set<std::string> names;
  for (const auto& capability : manifest->capabilities) {
    FUZZ_CHECK(names.insert(capability.name).second);
    FUZZ_CHECK(capability.major == 1 && capability.minor >= 0 && !capability.methods.empty());
    const std::set<std::string> methods(capability.methods.begin(), capability.methods.end());
    FUZZ_CHECK(methods.size() == capability.methods.size());
    FUZZ_CHECK(!methods.contains(""));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = dcp::fuzz::Text(data, size);
  if ((dcp::fuzz::TakeByte(text) & 1) == 0) {
    const MemoryFile file(text);
    const auto facts = dcp::host::ReadElf(file.path());
    if (facts.ok()) {
      FUZZ_CHECK(facts->manifest.size() <= dcp::host::kManifestBytesMax);
      FUZZ_CHECK(std::is_sorted(facts->exported.begin(), facts->exported.end()));
    } else {
      FUZZ_CHECK(facts.status().code() == dcp::Code::kInvalidArgument);
    }
    CheckManifest(dcp::host::ReadManifest(file.path()));
    return 0;
  }
  const auto direct = dcp::host::ParseManifest(text, "plugin.so");
  CheckManifest(direct);
  dcp::host::ElfBuilder builder;
  builder.manifest = std::string(text);
  builder.exported = {"dcp_plugin_v1"};
  const MemoryFile file(builder.Build());
  const auto through_file = dcp::host::ReadManifest(file.path());
  CheckManifest(through_file);
  FUZZ_CHECK(direct.ok() == through_file.ok());
  return 0;
}
