// SPDX-License-Identifier: Apache-2.0
//
// What the manifests of a large command define and read, asked of the daemon batch by batch; of
// each no more is kept than is needed to divide them.
#pragma once

#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/manifests.h"
#include "cli/split.h"

namespace dcp::cli {

class Outlining {
 public:
  Outlining(Client& client, const std::string& playground, const std::vector<ManifestName>& names,
            ManifestReader& reader)
      : client_(client), playground_(playground), names_(names), reader_(reader) {}

  Status Run();
  const std::vector<Outlined>& manifests() const { return manifests_; }
  /// Files that a manifest names.
  const std::vector<std::string>& FilesOf(size_t manifest) const { return files_[manifest]; }
  /// Whether each manifest could be read: else it is not known what is declared in all.
  bool all_read() const { return all_read_; }

 private:
  Status Batch(size_t begin, size_t end);
  void Take(const v1::OutlineManifestsResponse& response, const std::vector<SourceFile>& manifests,
            const std::vector<SourceFile>& files, size_t begin);

  Client& client_;
  const std::string& playground_;
  const std::vector<ManifestName>& names_;
  ManifestReader& reader_;
  std::vector<Outlined> manifests_;
  std::vector<std::vector<std::string>> files_;
  bool all_read_ = true;
};

}  // namespace dcp::cli
