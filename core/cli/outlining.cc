// SPDX-License-Identifier: Apache-2.0
#include "cli/outlining.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "cli/render/text.h"
#include "cli/several_runs.h"

namespace dcp::cli {
namespace {

void Add(const std::vector<SourceFile>& from, google::protobuf::RepeatedPtrField<v1::File>* to) {
  to->Clear();
  for (const SourceFile& file : from) {
    v1::File* out = to->Add();
    out->set_path(file.path);
    out->set_content(file.content);
  }
}

uint64_t BytesOf(const std::vector<SourceFile>& files) {
  uint64_t bytes = 0;
  for (const SourceFile& file : files) bytes += file.content.size();
  return bytes;
}

}  // namespace

Status Outlining::Run() {
  manifests_.resize(names_.size());
  files_.resize(names_.size());
  for (size_t begin = 0; begin < names_.size();) {
    uint64_t bytes = 0;
    size_t end = begin;
    while (end < names_.size() && end - begin < kOutlineManifestsMax &&
           (end == begin || bytes + names_[end].bytes <= kOutlineBytesMax)) {
      bytes += names_[end++].bytes;
    }
    DCP_TRY(Batch(begin, end));
    begin = end;
  }
  return {};
}

Status Outlining::Batch(size_t begin, size_t end) {
  DCP_ASSIGN(const auto manifests,
             reader_.ReadAll({names_.begin() + static_cast<std::ptrdiff_t>(begin),
                              names_.begin() + static_cast<std::ptrdiff_t>(end)}));
  std::vector<SourceFile> files;
  v1::OutlineManifestsRequest request;
  request.set_playground(playground_);
  Add(manifests, request.mutable_manifests());
  for (int round = 0; round < kNeedsFilesRoundsMax; ++round) {
    Add(files, request.mutable_files());
    DCP_ASSIGN(const auto response, client_.OutlineManifests(request));
    if (response.needs_files().empty()) {
      Take(response, manifests, files, begin);
      return {};
    }
    DCP_ASSIGN(const bool added, AddFiles(response.needs_files(), manifests, &files));
    if (!added) return Internal("the daemon asks again for files that were sent");
    const uint64_t bytes = BytesOf(manifests) + BytesOf(files);
    const bool fits = bytes <= limits::kRequestBytesMax && files.size() <= kFilesOfRunMax;
    if (!fits && end - begin > 1) {
      const size_t middle = begin + (end - begin) / 2;
      DCP_TRY(Batch(begin, middle));
      return Batch(middle, end);
    }
    if (bytes <= limits::kRequestBytesMax) continue;
    return ResourceExhausted(manifests.front().path + " and the files that it names have " +
                             Thousands(bytes) + " bytes together; at most " +
                             Thousands(limits::kRequestBytesMax) + " are taken")
        .WithId("PZ0902")
        .WithHint("data belongs into a table, not into a manifest");
  }
  return Internal("the manifests ask for further files again and again");
}

void Outlining::Take(const v1::OutlineManifestsResponse& response,
                     const std::vector<SourceFile>& manifests, const std::vector<SourceFile>& files,
                     size_t begin) {
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < manifests.size(); ++i) {
    index[manifests[i].path] = begin + i;
    manifests_[begin + i].datasets = 0;
    manifests_[begin + i].bytes = manifests[i].content.size();
  }
  for (const v1::DatasetOutline& dataset : response.datasets()) {
    const auto found = index.find(dataset.path());
    if (found == index.end()) continue;
    Outlined& manifest = manifests_[found->second];
    ++manifest.datasets;
    manifest.defines.push_back(NameHash(dataset.name()));
    for (const std::string& name : dataset.reads()) manifest.reads.push_back(NameHash(name));
    for (const std::string& name : dataset.params()) manifest.params.push_back(NameHash(name));
    if (dataset.sql_file().empty()) continue;
    files_[found->second].push_back(dataset.sql_file());
    const auto file = std::find_if(files.begin(), files.end(), [&](const SourceFile& each) {
      return each.path == dataset.sql_file();
    });
    ++manifest.files;
    manifest.bytes += file == files.end() ? 0 : file->content.size();
  }
  for (size_t i = begin; i < begin + manifests.size(); ++i) {
    all_read_ = all_read_ && manifests_[i].datasets > 0;
    manifests_[i].datasets = std::max<size_t>(1, manifests_[i].datasets);
    manifests_[i].reads.shrink_to_fit();
  }
}

}  // namespace dcp::cli
