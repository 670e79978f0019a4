// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground list.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

Result<v1::ListPlaygroundsResponse> Collect(Client& client) {
  v1::ListPlaygroundsResponse all;
  do {
    v1::ListPlaygroundsRequest request;
    request.set_page_token(all.next_page_token());
    DCP_ASSIGN(v1::ListPlaygroundsResponse page, client.ListPlaygrounds(request));
    for (v1::Playground& one : *page.mutable_playgrounds()) all.add_playgrounds()->Swap(&one);
    all.set_next_page_token(page.next_page_token());
  } while (!all.next_page_token().empty());
  return all;
}

int List(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto list = Collect(**client);
  if (!list.ok()) return session.Fail(list.status());
  if (session.json()) {
    session.Print(PlaygroundsJson(*list));
    return kExitOk;
  }
  Table table({"", "NAME", "STATE", "CREATED", "EXPIRES"});
  for (const v1::Playground& playground : list->playgrounds()) {
    if (session.format() == Format::kName) {
      session.Print(playground.name() + "\n");
      continue;
    }
    table.Add({playground.name() == session.context().playground ? "*" : "", playground.name(),
               session.paint().State(playground.state()), TimeText(playground.created_at_ms()),
               TimeText(playground.expires_at_ms())});
  }
  if (session.format() == Format::kName) return kExitOk;
  if (table.size() > 0) session.Print(table.Text());
  for (const v1::Playground& playground : list->playgrounds()) {
    if (playground.state() != "EXPIRED") continue;
    session.Note(ExpiredText(playground.name(), playground.purge_at_ms()));
  }
  if (table.size() == 0) {
    session.Note("you have no playground; make one with: pretzel playground create NAME");
  }
  return kExitOk;
}

}  // namespace

Command PlaygroundListCommand() {
  return {.path = {"playground", "list"},
          .summary = "List your playgrounds; * marks the current one",
          .examples = "  pretzel playground list\n  pretzel pg list -o json\n",
          .run = List};
}

}  // namespace dcp::cli
