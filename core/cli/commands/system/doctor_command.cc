// SPDX-License-Identifier: Apache-2.0
//
// pretzel doctor.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int Doctor(Session& session) {
  v1::DoctorRequest request;
  if (const auto playground = session.Playground(); playground.ok()) {
    request.set_playground(*playground);
  } else {
    session.Note("no playground is current, so checks that need one are left out");
  }
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto doctor = (*client)->Doctor(request);
  if (!doctor.ok()) return session.Fail(doctor.status());
  bool failed = false;
  Table table({"CHECK", "LAYER", "RESULT", "WHAT"});
  std::string advice;
  for (const v1::Check& check : doctor->checks()) {
    failed = failed || check.result() == "FAILED";
    table.Add({check.name(), check.layer(), session.paint().State(check.result()),
               Printable(check.detail())});
    if (!check.advice().empty()) {
      advice += "  " + check.name() + ": " + Printable(check.advice()) + "\n";
    }
  }
  if (session.json()) {
    session.Print(DoctorJson(*doctor));
  } else {
    session.Print(table.Text() + (advice.empty() ? "" : "\nAdvice:\n" + advice));
  }
  return failed ? kExitChecksFailed : kExitOk;
}

}  // namespace

Command DoctorCommand() {
  return {.path = {"doctor"},
          .summary = "Try what must be impossible, and say which layers protect production",
          .details =
              "MISSING is a layer that this set-up does not have; FAILED is one that should "
              "protect and does not (exit code 1).",
          .examples = "  pretzel doctor\n  pretzel doctor -p fin-123 -o json\n",
          .run = Doctor};
}

}  // namespace dcp::cli
