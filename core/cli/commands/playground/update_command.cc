// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground update.
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

Result<v1::UpdatePlaygroundRequest> RequestOf(const Session& session) {
  const Arguments& arguments = session.arguments();
  v1::UpdatePlaygroundRequest request;
  if (arguments.Has("ttl")) {
    auto ttl = ParseDuration(arguments.Text("ttl"));
    if (!ttl.ok()) return std::move(ttl).status().With("--ttl");
    request.set_ttl_ms(*ttl);
  }
  DCP_ASSIGN(const auto labels, ParsePairs("label", arguments.All("label")));
  for (const auto& [key, value] : labels) (*request.mutable_set_labels())[key] = value;
  for (const std::string& key : arguments.All("remove-label")) request.add_remove_labels(key);
  request.set_name(arguments.Word(0));
  if (request.name().empty()) {
    DCP_ASSIGN(*request.mutable_name(), session.Playground());
  }
  return request;
}

std::string Text(const v1::Playground& playground) {
  std::string text = "playground " + playground.name() + " lives until " +
                     TimeText(playground.expires_at_ms()) + "\n";
  const std::map<std::string, std::string> labels(playground.labels().begin(),
                                                  playground.labels().end());
  for (const auto& [key, value] : labels) {
    text += "  " + Printable(key) + "=" + Printable(value) + "\n";
  }
  return text;
}

int Update(Session& session) {
  const auto request = RequestOf(session);
  if (!request.ok()) return session.Fail(request.status());
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto updated = (*client)->UpdatePlayground(*request);
  if (!updated.ok()) return session.Fail(updated.status());
  if (session.format() == Format::kName) {
    session.Print(updated->name() + "\n");
  } else {
    session.Print(session.json() ? PlaygroundJson(*updated) : Text(*updated));
  }
  return kExitOk;
}

}  // namespace

Command PlaygroundUpdateCommand() {
  return {.path = {"playground", "update"},
          .arguments = "[NAME]",
          .summary = "Change a playground's time to live and labels",
          .details = "What is not named stays as it is; everything is changed, or nothing.",
          .flags = {{"ttl", 0, "TIME", "how long it lives from now, e.g. 7d"},
                    {"label", 0, "KEY=VALUE", "set this label, others stay; may be repeated", true},
                    {"remove-label", 0, "KEY", "remove this label if it is there; may be repeated",
                     true}},
          .examples =
              "  pretzel playground update --ttl 7d\n"
              "  pretzel playground update fin-123 --label pr=482 --remove-label draft\n",
          .words_max = 1,
          .run = Update};
}

}  // namespace dcp::cli
