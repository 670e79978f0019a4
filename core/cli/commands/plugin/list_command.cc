// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin list, get and verify: what there is.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/plugins.h"

namespace dcp::cli {
namespace {

int List(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto list = (*client)->ListPlugins({});
  if (!list.ok()) return session.Fail(list.status());
  if (session.json()) {
    session.Print(PluginsJson(*list));
  } else if (session.format() == Format::kName) {
    for (const v1::Plugin& plugin : list->plugins()) session.Print(Printable(plugin.id()) + "\n");
  } else {
    session.Print(PluginsText(*list, session.paint()));
  }
  return kExitOk;
}

int Get(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::GetPluginRequest request;
  request.set_name(session.arguments().Word(0));
  const auto plugin = (*client)->GetPlugin(request);
  if (!plugin.ok()) return session.Fail(plugin.status());
  if (session.json()) {
    session.Print(PluginJson(*plugin));
  } else if (session.format() == Format::kName) {
    session.Print(Printable(plugin->id()) + "\n");
  } else {
    session.Print(PluginText(*plugin, session.paint()));
  }
  return kExitOk;
}

int Verify(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::VerifyPluginsRequest request;
  request.set_name(session.arguments().Word(0));
  const auto verified = (*client)->VerifyPlugins(request);
  if (!verified.ok()) return session.Fail(verified.status());
  session.Print(session.json() ? VerifiedPluginsJson(*verified)
                               : VerifiedPluginsText(*verified, session.paint()));
  for (const v1::VerifiedFile& file : verified->files()) {
    if (file.result() != "OK") return kExitChecksFailed;
  }
  if (verified->files().empty()) session.Note("nothing is installed, and no instance has a file");
  return kExitOk;
}

}  // namespace

Command PluginListCommand() {
  return {.path = {"plugin", "list"},
          .summary = "List plugins, their instances, and files that were refused",
          .details =
              "One that failed stays listed with its reason and every path that was tried; a file\n"
              "that is no plugin, or that others may write, is named with what is wrong with it.",
          .examples = "  pretzel plugin list\n  pretzel plugin list -o json\n",
          .run = List};
}

Command PluginGetCommand() {
  return {.path = {"plugin", "get"},
          .arguments = "NAME",
          .summary = "Show a plugin's versions and instances",
          .details = "NAME is a plugin's id, or an instance's.",
          .examples = "  pretzel plugin get spark_runner\n  pretzel plugin get local-batch\n",
          .words_min = 1,
          .words_max = 1,
          .run = Get};
}

Command PluginVerifyCommand() {
  return {
      .path = {"plugin", "verify"},
      .arguments = "[NAME]",
      .summary = "Read plugins' files again and compare them with what was accepted",
      .details =
          "OK: the same bytes, in a place that nobody else can write. CHANGED, MISSING, REFUSED:\n"
          "WHY says what is wrong; the exit status is 1 then. For operators.",
      .examples = "  pretzel plugin verify\n  pretzel plugin verify spark_runner -o json\n",
      .words_max = 1,
      .run = Verify};
}

}  // namespace dcp::cli
