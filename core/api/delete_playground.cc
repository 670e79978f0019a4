// SPDX-License-Identifier: Apache-2.0
//
// The delete graph.
#include "api/delete_playground.h"

namespace dcp::api {

Result<store::Run> StartDelete(store::Store& store, graph::Runner& runner,
                               const store::Playground& playground) {
  DCP_ASSIGN(const auto runs, store.RunsOf(playground.name, playground.generation));
  std::string earlier = "first";
  for (const store::RunBrief& run : runs) {
    const bool open = !store::IsTerminal(run.state);
    if (run.command != "delete") {
      if (open) {
        DCP_TRY(runner.Cancel(run.id, "playground " + playground.name + " is being deleted"));
      }
    } else if (open) {
      return store.GetRun(run.id);
    } else {
      earlier = run.id;
    }
  }
  graph::StartRequest request;
  request.playground = playground.name;
  request.generation = playground.generation;
  request.principal = playground.owner;
  request.team = playground.team;
  request.environment = playground.environment;
  request.command = "delete";
  // Two deletes at once start one run; one after a failure starts another. By the failed one's id:
  // how many there were changes as old runs are removed.
  request.client_token =
      "delete/" + playground.name + "/" + std::to_string(playground.generation) + "/" + earlier;
  graph::NodeSpec jobs;
  jobs.id = "jobs";
  jobs.capability = "playground";
  jobs.method = "EndJobs";
  jobs.title = "end the jobs of " + playground.name;
  graph::NodeSpec purge;
  purge.id = "purge";
  purge.capability = "catalog";
  purge.method = "Purge";
  purge.after = {"jobs"};
  purge.title = "remove tables and files of " + playground.name;
  graph::NodeSpec finish;
  finish.id = "finish";
  finish.capability = "playground";
  finish.method = "FinishDelete";
  finish.after = {"purge"};
  finish.title = "forget playground " + playground.name;
  request.nodes = {jobs, purge, finish};
  return runner.Start(request);
}

}  // namespace dcp::api
