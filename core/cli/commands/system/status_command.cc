// SPDX-License-Identifier: Apache-2.0
//
// pretzel status.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

std::string StatusText(const v1::GetStatusResponse& status, const Paint& paint) {
  std::string text = "dcpd " + status.version() + "\n";
  if (!status.catalog_uri().empty()) text += "catalog: " + status.catalog_uri() + "\n";
  Table services({"SERVICE", "STATE", "PID", "ENDPOINT", "RESTARTS", "DETAIL"});
  for (const v1::ServiceStatus& service : status.services()) {
    services.Add({service.name(), paint.State(service.state()),
                  service.pid() == 0 ? "-" : std::to_string(service.pid()), service.endpoint(),
                  std::to_string(service.restarts()), Printable(service.detail())});
  }
  Table plugins({"PLUGIN", "VERSION", "ISOLATION", "STATE", "DETAIL"});
  for (const v1::PluginStatus& plugin : status.plugins()) {
    plugins.Add({plugin.instance(), plugin.version(), plugin.isolation(),
                 paint.State(plugin.state()), Printable(plugin.detail())});
  }
  if (services.size() > 0) text += "\n" + services.Text();
  if (plugins.size() > 0) text += "\n" + plugins.Text();
  return text;
}

int ShowStatus(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto status = (*client)->GetStatus({});
  if (!status.ok()) return session.Fail(status.status());
  session.Print(session.json() ? StatusJson(*status) : StatusText(*status, session.paint()));
  bool well = true;
  for (const auto& service : status->services()) well = well && service.state() != "FAILED";
  for (const auto& plugin : status->plugins()) well = well && plugin.state() != "FAILED";
  return well ? kExitOk : kExitUnavailable;
}

}  // namespace

Command StatusCommand() {
  return {.path = {"status"},
          .summary = "Show the daemon's services and plugins",
          .details = "Ends with 6 when one of them has failed.",
          .examples = "  pretzel status\n  pretzel status -o json\n",
          .run = ShowStatus};
}

}  // namespace dcp::cli
