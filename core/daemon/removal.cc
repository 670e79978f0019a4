// SPDX-License-Identifier: Apache-2.0
#include "daemon/removal.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/crash_point.h"
#include "os/file.h"
#include "os/job.h"

namespace dcp::daemon {

Removal::Removal(catalog::Catalog& catalog, playground::Playgrounds& playgrounds,
                 store::Store& store, const Clock& clock, std::string job_directory)
    : catalog_(catalog),
      playgrounds_(playgrounds),
      store_(store),
      clock_(clock),
      job_directory_(std::move(job_directory)) {}

Result<std::vector<std::string>> Removal::RunFolders(const std::string& playground,
                                                     int64_t generation) {
  // By the store's list of runs, never by looking for names.
  DCP_ASSIGN(const auto runs, store_.RunsOf(playground, generation));
  std::vector<std::string> folders;
  for (const store::RunBrief& run : runs) {
    std::string folder = job_directory_ + "/" + run.id;
    if (os::Exists(folder)) folders.push_back(std::move(folder));
  }
  return folders;
}

Status Removal::EndJobs(const std::string& playground, int64_t generation,
                        const std::function<bool()>& cancelled) {
  DCP_ASSIGN(const auto folders, RunFolders(playground, generation));
  const SteadyMillis end = clock_.Steady() + kJobsEndMs;
  for (const std::string& folder : folders) {
    DCP_ASSIGN(const auto jobs, os::ListDirectory(folder));
    for (const std::string& job : jobs) {
      const std::string path = folder + "/" + job;
      if (!os::IsFolder(path)) continue;
      for (;;) {
        auto over = os::EndJob(path);
        if (!over.ok()) return std::move(over).status().With("end the job in " + path);
        if (*over) break;
        if (clock_.Steady() >= end || cancelled()) {
          return Unavailable("the job in " + path + " was told to end, and still runs");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(kJobsEndPollMs));
      }
    }
  }
  return {};
}

Result<int64_t> Removal::Purge(const std::string& playground, int64_t generation,
                               const catalog::Patience& patience) {
  return catalog_.Purge(playground, generation, patience);
}

Status Removal::Finish(const std::string& playground, int64_t generation) {
  DCP_ASSIGN(const auto folders, RunFolders(playground, generation));
  for (const std::string& folder : folders) DCP_TRY(os::RemoveTree(folder));
  DCP_CRASH_POINT("playground.finish.folders_removed");
  return playgrounds_.FinishDelete(playground, generation);
}

Result<api::DeletionPreview> Removal::Preview(const store::Playground& playground) {
  api::DeletionPreview preview;
  DCP_ASSIGN(preview.footprint, catalog_.Measure(playground.name, playground.generation));
  DCP_ASSIGN(const auto datasets, playgrounds_.Datasets(playground));
  for (const store::Dataset& dataset : datasets) preview.datasets.push_back(dataset.name);
  DCP_ASSIGN(const auto runs, store_.RunsOf(playground.name, playground.generation));
  for (const store::RunBrief& run : runs) {
    if (!store::IsTerminal(run.state) && run.command != "delete") preview.runs.push_back(run);
  }
  DCP_ASSIGN(const auto folders, RunFolders(playground.name, playground.generation));
  for (const std::string& folder : folders) {
    DCP_ASSIGN(const os::TreeSize size, os::MeasureTree(folder));
    preview.job_folders.push_back({folder, size.files, size.bytes});
  }
  return preview;
}

}  // namespace dcp::daemon
