// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground create.
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

Result<v1::CreatePlaygroundRequest> RequestOf(const Arguments& arguments) {
  v1::CreatePlaygroundRequest request;
  request.set_name(arguments.Word(0));
  if (arguments.Has("ttl")) {
    DCP_ASSIGN(const int64_t ttl, ParseDuration(arguments.Text("ttl")));
    request.set_ttl_ms(ttl);
  }
  DCP_ASSIGN(const auto labels, ParsePairs("label", arguments.All("label")));
  for (const auto& [key, value] : labels) (*request.mutable_labels())[key] = value;
  return request;
}

int Create(Session& session) {
  const auto request = RequestOf(session.arguments());
  if (!request.ok()) return session.Fail(request.status());
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto made = (*client)->CreatePlayground(*request);
  if (!made.ok()) return session.Fail(made.status());
  session.context().playground = made->name();
  const Status saved = session.SaveContext();
  if (session.json()) {
    session.Print(PlaygroundJson(*made));
  } else if (session.format() == Format::kName) {
    session.Print(made->name() + "\n");
  } else {
    session.Print("playground " + made->name() + " created; it lives until " +
                  TimeText(made->expires_at_ms()) + "\n");
  }
  if (!saved.ok()) {
    session.Note("it could not be made the current playground: " + saved.message() +
                 "; add --playground " + made->name() + " to the commands");
  } else {
    session.Note("it is the current playground now: commands without --playground act in it");
  }
  return kExitOk;
}

}  // namespace

Command PlaygroundCreateCommand() {
  return {.path = {"playground", "create"},
          .arguments = "[NAME]",
          .summary = "Make a playground, and make it the current one",
          .details =
              "Nothing is copied: production is readable in it and stays as it is. Without "
              "NAME, one is made up.",
          .flags = {{"ttl", 0, "TIME", "how long it lives, e.g. 72h (default) or 7d"},
                    {"label", 0, "KEY=VALUE", "a label; may be repeated", true}},
          .examples =
              "  pretzel playground create fin-123\n"
              "  pretzel playground create fin-123 --ttl 7d --label pr=481\n"
              "  name=$(pretzel pg create -o name)\n",
          .words_max = 1,
          .run = Create};
}

}  // namespace dcp::cli
