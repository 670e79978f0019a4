// SPDX-License-Identifier: Apache-2.0
//
// pretzel config view.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

Setting PlaygroundSetting(const Session& session) {
  if (const auto flag = session.arguments().Text("playground"); !flag.empty()) {
    return {flag, "--playground"};
  }
  if (const auto set = session.io().env("PRETZEL_PLAYGROUND"); !set.empty()) {
    return {set, "PRETZEL_PLAYGROUND"};
  }
  return {"", "none is current"};
}

int View(Session& session) {
  Setting playground = PlaygroundSetting(session);
  if (playground.value.empty() && !session.context().playground.empty()) {
    playground = {session.context().playground, ContextPath(session.io())};
  }
  Setting token = TokenFileSetting(session.io(), session.context());
  if (!session.io().env("PRETZEL_TOKEN").empty()) token = {"(not a file)", "PRETZEL_TOKEN"};
  const std::vector<std::pair<std::string, Setting>> settings = {
      {"endpoint", session.endpoint()}, {"tokenFile", token}, {"playground", playground}};
  if (session.json()) {
    session.Print(ConfigJson(settings));
    return kExitOk;
  }
  Table table({"SETTING", "VALUE", "FROM"});
  for (const auto& [name, setting] : settings) table.Add({name, setting.value, setting.origin});
  session.Print(table.Text());
  return kExitOk;
}

}  // namespace

Command ConfigViewCommand() {
  return {.path = {"config", "view"},
          .summary = "Show the settings in use, and where each comes from",
          .examples = "  pretzel config view\n  pretzel config view -o json\n",
          .run = View};
}

}  // namespace dcp::cli
