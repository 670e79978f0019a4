// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin install, reload, disable and enable: what operators change.
#include <filesystem>
#include <fstream>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/plugins.h"

namespace dcp::cli {
namespace {

int Install(Session& session) {
  const std::string path = session.arguments().Word(0);
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(path, error);
  std::ifstream file(path, std::ios::binary);
  if (!regular || !file) {
    return session.Fail(NotFound(Printable(path) + " is not a file that can be read")
                            .WithHint("give the path of a plugin's .so file"));
  }
  v1::InstallPluginHeader header;
  header.set_file_name(std::filesystem::path(path).filename().string());
  header.set_size(std::filesystem::file_size(path, error));
  header.set_sha256(session.arguments().Text("sha256"));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto installed = (*client)->InstallPlugin(header, file);
  if (!installed.ok()) return session.Fail(installed.status());
  if (session.json()) {
    session.Print(InstalledPluginJson(*installed));
    return kExitOk;
  }
  session.Print(Printable(installed->id()) + " " + Printable(installed->version().version()) +
                " sha256:" + Printable(installed->version().sha256()) +
                (installed->existed() ? " was installed already\n" : " is installed\n"));
  session.Note("`pretzel plugin reload " + Printable(installed->id()) + "` goes over to it");
  return kExitOk;
}

int Reload(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::ReloadPluginRequest request;
  request.set_name(session.arguments().Word(0));
  request.set_sha256(session.arguments().Text("sha256"));
  const auto reloaded = (*client)->ReloadPlugin(request);
  if (!reloaded.ok()) return session.Fail(reloaded.status());
  session.Print(session.json() ? ReloadedPluginJson(*reloaded) : ReloadedPluginText(*reloaded));
  return kExitOk;
}

int Set(Session& session, bool enable) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::DisablePluginRequest request;
  request.set_name(session.arguments().Word(0));
  request.set_enable(enable);
  if (!enable) request.set_reason(session.arguments().Text("reason"));
  const auto done = (*client)->DisablePlugin(request);
  if (!done.ok()) return session.Fail(done.status());
  if (session.json()) {
    session.Print(DisabledPluginJson(*done, enable));
    return kExitOk;
  }
  for (const std::string& id : done->instances()) {
    session.Print(Printable(id) + (enable ? " is enabled\n" : " is disabled\n"));
  }
  return kExitOk;
}

}  // namespace

Command PluginInstallCommand() {
  return {.path = {"plugin", "install"},
          .arguments = "FILE.so",
          .summary = "Put a plugin's file into the daemon's store",
          .details =
              "It is read and checked as one that is about to be loaded; nothing of it runs, and\n"
              "nothing uses it before `pretzel plugin reload`. For operators.",
          .flags = {{"sha256", 0, "DIGEST", "refuse the file unless it has this SHA-256"}},
          .examples = "  pretzel plugin install build/acme_cluster.so\n",
          .words_min = 1,
          .words_max = 1,
          .run = Install};
}

Command PluginReloadCommand() {
  return {
      .path = {"plugin", "reload"},
      .arguments = "NAME",
      .summary = "Go over to another version of a plugin while calls run",
      .details =
          "The new version starts beside the old one. When it is ready, and offers what routes\n"
          "need of it, new calls go to it, and the old one ends with its last call. Otherwise the\n"
          "old one goes on, and the reason is printed. NAME is an instance's id, or a plugin's:\n"
          "then all its instances. Without --sha256 it takes the newest that is installed, or\n"
          "else the file in a configured directory. For operators.",
      .flags = {{"sha256", 0, "DIGEST",
                 "that version; 8 digits are enough. An older one takes a change back"}},
      .examples =
          "  pretzel plugin reload local-batch\n"
          "  pretzel plugin reload acme_cluster --sha256 3f9a1c0be2d7\n",
      .words_min = 1,
      .words_max = 1,
      .run = Reload};
}

Command PluginDisableCommand() {
  return {
      .path = {"plugin", "disable"},
      .arguments = "NAME",
      .summary = "Take a plugin instance out of service",
      .details =
          "Calls are answered with the reason at once; those that are open may end. It holds\n"
          "across restarts of the daemon, until `pretzel plugin enable`. NAME is an instance's\n"
          "id, or a plugin's: then all its instances. For operators.",
      .flags = {{"reason", 0, "TEXT", "what callers are told"}},
      .examples = "  pretzel plugin disable acme --reason \"leaks; ticket 4711\"\n",
      .words_min = 1,
      .words_max = 1,
      .run = [](Session& session) { return Set(session, false); }};
}

Command PluginEnableCommand() {
  return {.path = {"plugin", "enable"},
          .arguments = "NAME",
          .summary = "Take a disabled plugin instance back into service",
          .details = "When it does not become ready it stays disabled. For operators.",
          .examples = "  pretzel plugin enable acme\n",
          .words_min = 1,
          .words_max = 1,
          .run = [](Session& session) { return Set(session, true); }};
}

}  // namespace dcp::cli
