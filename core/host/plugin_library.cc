// SPDX-License-Identifier: Apache-2.0
//
// The only place where a plugin's code enters a process. Boost.DLL stays in this file.
#include "host/plugin_library.h"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <deque>
#include <exception>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "host/elf.h"

namespace dcp::host {
namespace {

namespace dll = boost::dll;

/// NOW: an unresolved symbol is an error here, not a crash later. LOCAL: its symbols are its own.
/// NODELETE: code stays mapped, since threads and exit handlers of libraries outlive any count.
constexpr auto kLoadMode = static_cast<dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

/// Never destroyed: unloading a plugin is not supported, by design.
dll::shared_library* Keep(dll::shared_library library) {
  static auto* const mutex = new Mutex;
  static auto* const kept = new std::deque<dll::shared_library>;
  const MutexLock lock(*mutex);
  return &kept->emplace_back(std::move(library));
}

Result<const dcp_plugin_api*> Load(const std::string& path, const std::string& shown) {
  try {
    auto* library = Keep(dll::shared_library(std::filesystem::path(path), kLoadMode));
    if (!library->has(DCP_ENTRY_SYMBOL)) {
      return InvalidArgument(shown + " does not export " DCP_ENTRY_SYMBOL);
    }
    return library->get<const dcp_plugin_api*()>(DCP_ENTRY_SYMBOL)();
  } catch (const std::exception& e) {
    return InvalidArgument("cannot load " + shown + ": " + e.what());
  }
}

Status CheckSlots(const dcp_plugin_api& table, const std::string& path) {
  const struct {
    bool present;
    const char* name;
  } slots[] = {
      {table.validate != nullptr, "validate"}, {table.create != nullptr, "create"},
      {table.destroy != nullptr, "destroy"},   {table.invoke != nullptr, "invoke"},
      {table.cancel != nullptr, "cancel"},     {table.extension != nullptr, "extension"},
  };
  for (const auto& slot : slots) {
    if (slot.present) continue;
    return InvalidArgument(path + ": the plugin's table has no function in the required slot \"" +
                           slot.name + "\"");
  }
  return Status::Ok();
}

}  // namespace

Result<const dcp_plugin_api*> LoadPlugin(const std::string& path, const std::string& shown) {
  DCP_ASSIGN(const ElfFacts facts, ReadElf(path));
  DCP_ASSIGN(const dcp_plugin_api* const table, Load(path, shown));
  if (table == nullptr) {
    return InvalidArgument(shown + ": " DCP_ENTRY_SYMBOL " returned no table");
  }
  if (table->struct_size < DCP_PLUGIN_API_MIN) {
    return InvalidArgument(shown + ": the plugin's table has " +
                           std::to_string(table->struct_size) + " bytes, ABI 1.0 needs " +
                           std::to_string(DCP_PLUGIN_API_MIN));
  }
  if (table->min_host_minor > DCP_ABI_MINOR) {
    return FailedPrecondition(shown + ": the plugin needs host ABI 1." +
                              std::to_string(table->min_host_minor) + ", this host has 1." +
                              std::to_string(DCP_ABI_MINOR));
  }
  DCP_TRY(CheckSlots(*table, shown));
  const std::string_view described(reinterpret_cast<const char*>(table->descriptor.data),
                                   table->descriptor.size);
  if (described != facts.manifest) {
    return InvalidArgument(shown + ": the plugin's descriptor differs from its section " +
                           DCP_MANIFEST_SECTION)
        .WithHint("build it with dcp_add_plugin() of the SDK, which makes both from one file");
  }
  return table;
}

}  // namespace dcp::host
