// SPDX-License-Identifier: Apache-2.0
//
// pretzel config reload.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

std::string ReloadText(const v1::ReloadResponse& reload) {
  std::string text;
  const auto add = [&](const char* what, const auto& items) {
    for (const std::string& item : items) text += std::string(what) + Printable(item) + "\n";
  };
  add("route      ", reload.routes());
  add("started    ", reload.started());
  add("restarted  ", reload.restarted());
  add("stopped    ", reload.stopped());
  add("kept       ", reload.kept());
  add("failed     ", reload.failed());
  add("setting    ", reload.settings());
  add("restart    ", reload.needs_restart());
  if (reload.needs_restart_size() > 0) {
    text += "\nWhat is marked \"restart\" holds from the next start of dcpd on.\n";
  }
  return text.empty() ? "nothing is configured\n" : text;
}

int Reload(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto reload = (*client)->Reload({});
  if (!reload.ok()) return session.Fail(reload.status());
  session.Print(session.json() ? ReloadJson(*reload) : ReloadText(*reload));
  return reload->failed_size() > 0 ? kExitUnavailable : kExitOk;
}

}  // namespace

Command ConfigReloadCommand() {
  return {.path = {"config", "reload"},
          .summary = "Have dcpd read its configuration file again",
          .details =
              "Plugin instances, routes and the log's level change at once, without a failed "
              "call; keys that need a restart of dcpd are named. When the file is wrong, or "
              "a new instance does not start, nothing changes. Ends with 6 when an instance "
              "that had failed has failed again.",
          .examples = "  pretzel config reload\n  pretzel config reload -o json\n",
          .run = Reload};
}

}  // namespace dcp::cli
