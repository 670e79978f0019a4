// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground get.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

std::string PlaygroundText(const v1::Playground& playground, const Paint& paint) {
  std::string text =
      "playground " + paint.Bold(playground.name()) + "  " + paint.State(playground.state()) + "\n";
  text += "  owner: " + playground.owner() + "\n";
  text += "  created: " + TimeText(playground.created_at_ms()) + "\n";
  text += "  expires: " + TimeText(playground.expires_at_ms()) + "\n";
  if (playground.state() == "EXPIRED") {
    text += "  " + ExpiredText(playground.name(), playground.purge_at_ms()) + "\n";
  }
  const std::map<std::string, std::string> labels(playground.labels().begin(),
                                                  playground.labels().end());
  for (const auto& [key, value] : labels) text += "  label: " + Printable(key + "=" + value) + "\n";
  Table table({"DATASET", "KIND", "APPLIED"});
  for (const v1::Dataset& dataset : playground.datasets()) {
    table.Add({dataset.name(), dataset.kind(), TimeText(dataset.updated_at_ms())});
  }
  return table.size() > 0 ? text + "\n" + table.Text() : text;
}

int Get(Session& session) {
  v1::GetPlaygroundRequest request;
  const auto name = session.NamedPlayground();
  if (!name.ok()) return session.Fail(name.status());
  request.set_name(*name);
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto found = (*client)->GetPlayground(request);
  if (!found.ok()) return session.Fail(found.status());
  if (session.json()) {
    session.Print(PlaygroundJson(*found));
  } else if (session.format() == Format::kName) {
    session.Print(found->name() + "\n");
  } else {
    session.Print(PlaygroundText(*found, session.paint()));
  }
  return kExitOk;
}

}  // namespace

Command PlaygroundGetCommand() {
  return {.path = {"playground", "get"},
          .arguments = "[NAME]",
          .summary = "Show a playground and the datasets in it",
          .examples = "  pretzel playground get\n  pretzel playground get fin-123 -o json\n",
          .words_max = 1,
          .run = Get};
}

}  // namespace dcp::cli
