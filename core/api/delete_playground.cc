// SPDX-License-Identifier: Apache-2.0
//
// The delete graph.
#include "api/delete_playground.h"

#include "api/server.h"

namespace dcp::api {

Result<store::Run> StartDelete(store::Store& store, graph::Runner& runner,
                               const store::Playground& playground) {
  DCP_ASSIGN(const auto runs, store.ListRuns(playground.name, "", kListRunsMax));
  int earlier = 0;
  for (const store::Run& run : runs) {
    if (run.generation != playground.generation) continue;
    if (run.command == "delete") {
      if (!store::IsTerminal(run.state)) return run;
      ++earlier;
    } else if (!store::IsTerminal(run.state)) {
      DCP_TRY(runner.Cancel(run.id, "playground " + playground.name + " is being deleted"));
    }
  }
  graph::StartRequest request;
  request.playground = playground.name;
  request.generation = playground.generation;
  request.principal = playground.owner;
  request.team = playground.team;
  request.environment = playground.environment;
  request.command = "delete";
  // Two deletes at once start one run; one after a failure starts another.
  request.client_token = "delete/" + playground.name + "/" + std::to_string(playground.generation) +
                         "/" + std::to_string(earlier);
  graph::NodeSpec purge;
  purge.id = "purge";
  purge.capability = "catalog";
  purge.method = "Purge";
  purge.title = "remove tables and files of " + playground.name;
  graph::NodeSpec finish;
  finish.id = "finish";
  finish.capability = "playground";
  finish.method = "FinishDelete";
  finish.after = {"purge"};
  finish.title = "forget playground " + playground.name;
  request.nodes = {purge, finish};
  return runner.Start(request);
}

}  // namespace dcp::api
