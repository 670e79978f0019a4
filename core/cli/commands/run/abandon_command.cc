// SPDX-License-Identifier: Apache-2.0
//
// pretzel run abandon.
#include "cli/command.h"
#include "cli/exit_code.h"

namespace dcp::cli {
namespace {

Status Confirm(const Session& session, const std::string& id) {
  if (session.arguments().Has("yes")) return {};
  if (!session.io().in_is_terminal) {
    return InvalidArgument("abandoning run " + id + " was not confirmed")
        .WithHint("standard input is not a terminal, so nothing is asked: add --yes");
  }
  *session.io().err << "abandon run " << id
                    << "? What its jobs do is not looked at any more. Type its id: " << std::flush;
  std::string answer;
  std::getline(*session.io().in, answer);
  if (answer == id) return {};
  return InvalidArgument("not confirmed, so nothing was changed");
}

int Abandon(Session& session) {
  v1::AbandonRunRequest request;
  request.set_id(session.arguments().Word(0));
  if (const Status sure = Confirm(session, request.id()); !sure.ok()) return session.Fail(sure);
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto run = (*client)->AbandonRun(request);
  if (!run.ok()) return session.Fail(run.status());
  session.Print("run " + run->id() + ": " +
                (run->ended() ? "has ended, " + run->state() : "is being cancelled") + "\n");
  if (!run->ended()) {
    session.Note("its jobs were told to end only now; repeat this if that is not confirmed");
  }
  return kExitOk;
}

}  // namespace

Command RunAbandonCommand() {
  return {.path = {"run", "abandon"},
          .arguments = "RUN",
          .summary = "End a run although the end of its jobs is not confirmed",
          .details =
              "A run that was not cancelled is cancelled; one that was ends at once, CANCELLED, "
              "whatever its jobs do. Its tables are free then, and what its jobs still write is "
              "refused. Look where they ran, and end what still runs there. For operators, of "
              "anybody's run; who did it is recorded.",
          .flags = {{"yes", 'y', "", "do not ask"}},
          .examples = "  pretzel run abandon r0123456789abcdef\n",
          .words_min = 1,
          .words_max = 1,
          .run = Abandon};
}

}  // namespace dcp::cli
