// SPDX-License-Identifier: Apache-2.0
//
// Group C: what the plugin's table says, and how the plugin reads the host's.
#include <algorithm>
#include <random>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/record.h"
#include "plugin_check/probe/subject.h"
#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

using TableCheck = std::string (*)(const dcp_plugin_api& table, const Job& job);

std::string Size(const dcp_plugin_api& table, const Job&) {
  if (table.struct_size >= DCP_PLUGIN_API_MIN) return "";
  return "struct_size is " + std::to_string(table.struct_size) + ", 1.0 has " +
         std::to_string(DCP_PLUGIN_API_MIN);
}

/// Fields behind 1.0 are pointers, so the end of any of them is a multiple of eight.
std::string Boundary(const dcp_plugin_api& table, const Job&) {
  if (table.struct_size < DCP_PLUGIN_API_MIN || table.struct_size % sizeof(void*) == 0) return "";
  return "struct_size is " + std::to_string(table.struct_size) + ", where no field ends";
}

std::string Slots(const dcp_plugin_api& table, const Job&) {
  const struct {
    bool present;
    const char* name;
  } slots[] = {
      {table.validate != nullptr, "validate"}, {table.create != nullptr, "create"},
      {table.destroy != nullptr, "destroy"},   {table.invoke != nullptr, "invoke"},
      {table.cancel != nullptr, "cancel"},     {table.extension != nullptr, "extension"},
  };
  for (const auto& slot : slots) {
    if (!slot.present) return std::string("the slot ") + slot.name + " is NULL";
  }
  return "";
}

std::string Flags(const dcp_plugin_api& table, const Job&) {
  const uint32_t unknown = table.flags & ~DCP_FLAG_PARALLEL;
  return unknown == 0 ? "" : "flags has the unknown bits " + std::to_string(unknown);
}

std::string Minor(const dcp_plugin_api& table, const Job&) {
  const std::string needs = "min_host_minor is " + std::to_string(table.min_host_minor);
  if (table.min_host_minor > table.abi_minor) {
    return needs + ", and abi_minor is " + std::to_string(table.abi_minor);
  }
  if (table.min_host_minor > DCP_ABI_MINOR) {
    return needs + ", and this release's host has 1." + std::to_string(DCP_ABI_MINOR);
  }
  return "";
}

std::string Descriptor(const dcp_plugin_api& table, const Job& job) {
  const std::string_view described(reinterpret_cast<const char*>(table.descriptor.data),
                                   table.descriptor.data == nullptr ? 0 : table.descriptor.size);
  if (described == job.manifest) return "";
  const size_t same = static_cast<size_t>(
      std::mismatch(described.begin(), described.end(), job.manifest.begin(), job.manifest.end())
          .first -
      described.begin());
  return "the descriptor has " + std::to_string(described.size()) + " bytes, the section " +
         std::to_string(job.manifest.size()) + "; they differ from byte " + std::to_string(same) +
         " on";
}

std::string Extensions(const dcp_plugin_api& table, const Job& job) {
  std::mt19937_64 random(job.seed);
  std::vector<std::string> ids = {"", "dcp.", "dcp.nothing/1", "\xC3\xA9"};
  for (int i = 0; i < 100; ++i) {
    std::string id;
    for (size_t n = random() % 40; n > 0; --n) id += static_cast<char>(random() % 255 + 1);
    ids.push_back(id);
  }
  for (const std::string& id : ids) {
    Record::Say("in extension(\"" + Printable(id) + "\")");
    if (table.extension(id.c_str()) != nullptr) {
      return "extension(\"" + Printable(id) + "\") answered a table";
    }
  }
  return "";
}

Verdict OfTable(const Job& job, TableCheck check) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  return FailedIf(check(*(*subject)->table(), job));
}

/// A whole life with a host whose table has another length.
Verdict WithHost(const Job& job, TableForm form) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  CheckingHost host(form);
  if (const dcp_code code = (*subject)->Validate(host, job.config); code != DCP_OK) {
    return Verdict::Failed("validate() answered code " + std::to_string(code) + ": " +
                           host.reason());
  }
  auto life = Begin(**subject, form);
  if (!life.ok()) return Verdict::Failed(life.status().message());
  (void)Workload(**subject, *(*life)->instance);
  (void)End(**life);
  return Verdict::Passed();
}

}  // namespace

void AddTableChecks(ProbeChecks& checks) {
  const auto add = [&checks](const char* name, TableCheck check) {
    checks[name] = [check](const Job& job) { return OfTable(job, check); };
  };
  add("table-size", Size);
  add("table-boundary", Boundary);
  add("table-slots", Slots);
  add("table-flags", Flags);
  add("table-minor", Minor);
  add("descriptor-match", Descriptor);
  add("extension-unknown", Extensions);
  checks["host-old"] = [](const Job& job) { return WithHost(job, TableForm::kOld); };
  checks["host-new"] = [](const Job& job) { return WithHost(job, TableForm::kNew); };
}

}  // namespace dcp::plugin_check
