// SPDX-License-Identifier: Apache-2.0
//
// pretzel whoami.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int WhoAmI(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto who = (*client)->WhoAmI({});
  if (!who.ok()) return session.Fail(who.status());
  std::string text = who->user();
  if (!who->team().empty()) text += ", team " + who->team();
  if (!who->environment().empty()) text += ", environment " + who->environment();
  session.Print(session.json() ? WhoAmIJson(*who) : Printable(text) + "\n");
  return kExitOk;
}

}  // namespace

Command WhoAmICommand() {
  return {.path = {"whoami"},
          .summary = "Show who the daemon takes you for",
          .examples = "  pretzel whoami\n",
          .run = WhoAmI};
}

}  // namespace dcp::cli
