// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground delete.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"
#include "cli/run_flow.h"

namespace dcp::cli {
namespace {

Status Confirm(const Session& session, const std::string& name) {
  if (session.arguments().Has("yes")) return {};
  if (!session.io().in_is_terminal) {
    return InvalidArgument("deleting playground " + name + " was not confirmed")
        .WithHint("standard input is not a terminal, so nothing is asked: add --yes");
  }
  *session.io().err << "delete playground " << name
                    << " with its tables, files and jobs? Type its name: " << std::flush;
  std::string answer;
  std::getline(*session.io().in, answer);
  if (answer == name) return {};
  return InvalidArgument("not confirmed, so nothing was deleted");
}

std::string PreviewText(const v1::DeletionPreview& preview) {
  Table table({"WHAT", "NAME", "STATE", "FILES", "BYTES"});
  for (const std::string& name : preview.tables()) table.Add({"table", name, "", "", ""});
  table.Add({"files", "of its tables", "", std::to_string(preview.files()),
             std::to_string(preview.bytes())});
  for (const std::string& name : preview.datasets()) table.Add({"dataset", name, "", "", ""});
  for (const v1::Run& run : preview.runs()) {
    table.Add({"run", run.id() + " " + run.command(), run.state(), "", ""});
  }
  for (const v1::JobFolder& folder : preview.job_folders()) {
    table.Add({"job folder", Printable(folder.path()), "", std::to_string(folder.files()),
               std::to_string(folder.bytes())});
  }
  return table.Text();
}

int Preview(Session& session, const std::string& name) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::PreviewDeletePlaygroundRequest request;
  request.set_name(name);
  const auto preview = (*client)->PreviewDeletePlayground(request);
  if (!preview.ok()) return session.Fail(preview.status());
  session.Print(session.json() ? DeletionPreviewJson(*preview) : PreviewText(*preview));
  session.Note("nothing was deleted; runs above would be cancelled first");
  return kExitOk;
}

int Delete(Session& session) {
  const std::string name = session.arguments().Word(0);
  if (session.arguments().Has("dry-run")) return Preview(session, name);
  if (const Status sure = Confirm(session, name); !sure.ok()) return session.Fail(sure);
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::DeletePlaygroundRequest request;
  request.set_name(name);
  const auto run = (*client)->DeletePlayground(request);
  if (!run.ok()) return session.Fail(run.status());
  if (session.context().playground == name) {
    session.context().playground.clear();
    if (const Status saved = session.SaveContext(); !saved.ok()) {
      session.Note("the current playground could not be cleared: " + saved.message());
    } else {
      session.Note("no playground is current now");
    }
  }
  if (!session.arguments().Has("no-wait")) return WaitForRun(session, run->id(), 0);
  session.Print(session.json() ? RunJson(*run) : run->id() + "\n");
  return kExitOk;
}

}  // namespace

Command PlaygroundDeleteCommand() {
  return {.path = {"playground", "delete"},
          .arguments = "NAME",
          .summary = "Remove a playground with its tables, files and jobs",
          .details = "Production is not touched. Waits until everything is gone unless --no-wait.",
          .flags = {{"dry-run", 0, "", "only say what would go; nothing is asked or changed"},
                    {"yes", 'y', "", "do not ask"},
                    {"wait", 0, "", "until everything is gone (default)"},
                    {"no-wait", 0, "", "only start it, and print the run's id"}},
          .examples =
              "  pretzel playground delete fin-123\n"
              "  pretzel playground delete fin-123 --dry-run\n"
              "  pretzel playground delete fin-123 --yes --no-wait\n",
          .words_min = 1,
          .words_max = 1,
          .run = Delete};
}

}  // namespace dcp::cli
