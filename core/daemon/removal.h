// SPDX-License-Identifier: Apache-2.0
//
// The steps that take a playground away, in their order: its jobs end, its tables and files go, its
// job folders go, it is forgotten. Each is idempotent and touches one generation of one name alone.
// What they would take is told by the same code, so that `delete --dry-run` cannot say otherwise.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/server.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

/// How long the end of jobs is waited for in one call: a job's own grace time and a heavy process'
/// way out. What takes longer is stuck in the kernel, and the deletion is tried again later.
constexpr int64_t kJobsEndMs = 60'000;
constexpr int64_t kJobsEndPollMs = 100;

/// [any] block
class Removal {
 public:
  Removal(catalog::Catalog& catalog, playground::Playgrounds& playgrounds, store::Store& store,
          const Clock& clock, std::string job_directory);

  /// Runs have ended by now, as far as the graph room can tell. This looks at the processes: what a
  /// killed launcher left behind, or a job that was given up on, would go on writing into what is
  /// about to be removed. UNAVAILABLE names a job that does not end, or when `cancelled` says so.
  Status EndJobs(const std::string& playground, int64_t generation,
                 const std::function<bool()>& cancelled);
  /// Answers how many tables went.
  Result<int64_t> Purge(const std::string& playground, int64_t generation,
                        const catalog::Patience& patience);
  Status Finish(const std::string& playground, int64_t generation);

  /// What all of the above would do to it now.
  Result<api::DeletionPreview> Preview(const store::Playground& playground);

 private:
  /// The folders of that generation's runs that are there.
  Result<std::vector<std::string>> RunFolders(const std::string& playground, int64_t generation);

  catalog::Catalog& catalog_;
  playground::Playgrounds& playgrounds_;
  store::Store& store_;
  const Clock& clock_;
  const std::string job_directory_;
};

}  // namespace dcp::daemon
