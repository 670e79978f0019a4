// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin describe.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"
#include "schema/outline.h"

namespace dcp::cli {
namespace {

/// Names hold neither; reading a file's manifest is the plugin host's, which this program has not.
bool IsFile(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".so");
}

int Describe(Session& session) {
  const std::string& name = session.arguments().Word(0);
  if (IsFile(name)) {
    return session.Fail(InvalidArgument("\"" + name.substr(0, 200) + "\" is a file, no name")
                            .WithHint("without a daemon: dcp-plugin-check --describe FILE"));
  }
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::DescribePluginRequest request;
  request.set_name(name);
  const auto plugin = (*client)->DescribePlugin(request);
  if (!plugin.ok()) return session.Fail(plugin.status());
  if (session.json()) {
    session.Print(PluginDescriptionJson(*plugin));
  } else if (session.format() == Format::kName) {
    session.Print(Printable(plugin->id()) + "\n");
  } else {
    session.Print(
        Printable(schema::Outline(plugin->id(), plugin->version(), plugin->config_schema_json())));
  }
  return kExitOk;
}

}  // namespace

Command PluginDescribeCommand() {
  return {.path = {"plugin", "describe"},
          .arguments = "NAME",
          .summary = "Show the keys of a plugin's configuration, and a snippet for dcpd.yaml",
          .details =
              "From the schema that the plugin publishes. NAME is an instance or a plugin of one "
              "of\n`plugins.directories`, whether it is used or not. Defaults are what its author "
              "says of\nthem: the plugin fills them in.",
          .examples =
              "  pretzel plugin describe spark_connect\n"
              "  pretzel plugin describe local-batch -o json\n",
          .words_min = 1,
          .words_max = 1,
          .run = Describe};
}

}  // namespace dcp::cli
