// SPDX-License-Identifier: Apache-2.0
//
// See collect.h.
#include "collect.h"

#include <algorithm>
#include <functional>
#include <set>

#include "spark_type.h"
#include "sql_text.h"

namespace dcp::derived_dataset {
namespace {

namespace yaml = sdk::yaml;

std::string Where(const Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

/// Fills `sql` from the files that were sent. Returns the paths of those that were not.
std::vector<std::string> FillSql(std::vector<Manifest>& manifests, const std::vector<Source>& files,
                                 Findings& findings) {
  std::set<std::string> missing;
  for (Manifest& manifest : manifests) {
    if (!manifest.sql_file) continue;
    auto named = [&](const Source& file) {
      return NormalPath(file.path) == NormalPath(*manifest.sql_file) ||
             file.path == *manifest.sql_file;
    };
    auto file = std::find_if(files.begin(), files.end(), named);
    if (file == files.end()) {
      missing.insert(*manifest.sql_file);
      if (files.empty()) continue;
      findings.Error(kSqlSource, manifest.sql_place,
                     "the file `" + manifest.sql_file_as_written + "` was not sent",
                     "it must lie under the manifest's folder");
      continue;
    }
    // The same rules as for a manifest: UTF-8, no NUL, one kind of line end.
    yaml::Problems problems;
    auto lines = yaml::detail::Clean(file->content, problems, yaml::Limits{});
    for (const yaml::Problem& p : problems.list()) {
      findings.Error(kSqlSource, {*manifest.sql_file, p.line, p.column}, p.message, p.hint);
    }
    manifest.sql_is_text = lines.has_value();
    if (!lines) continue;
    manifest.sql = lines->text();
    manifest.sql_path = *manifest.sql_file;
    manifest.sql_source = yaml::SourceMap{};
  }
  return {missing.begin(), missing.end()};
}

void CheckSql(const Manifest& manifest, const SqlScan& scan, Findings& findings) {
  auto place = [&](yaml::Position at) {
    yaml::Position in_file = manifest.sql_source.Of(at);
    return Place{manifest.sql_path, in_file.line, in_file.column};
  };
  for (const SqlIssue& issue : scan.issues) {
    Place where = issue.code == std::string_view(kSqlEmpty) ? manifest.sql_place : place(issue.at);
    findings.Error(issue.code, where, issue.message, issue.hint);
  }
  std::set<std::string> used;
  std::vector<std::string> declared;
  for (const ParamSpec& param : manifest.params) declared.push_back(param.name);
  for (const SqlParam& param : scan.params) {
    bool known = std::find(declared.begin(), declared.end(), param.name) != declared.end();
    if (!used.insert(param.name).second || known) continue;
    const bool shown = findings.errors() < Findings::kMax;
    std::string near = shown ? yaml::Nearest(param.name, declared) : std::string();
    findings.Error(kParamUndeclared, place(param.at),
                   "the parameter :" + param.name + " is not declared",
                   near.empty() ? "declare it under spec.params" : "did you mean :" + near + "?");
  }
  for (const ParamSpec& param : manifest.params) {
    if (used.contains(param.name)) continue;
    findings.Add(Severity::kWarning, kParamUnused, param.place,
                 "the parameter `" + param.name + "` is not used",
                 "remove it, or use it in the SQL as :" + param.name);
  }
}

void BindParams(Dataset& dataset, const std::map<std::string, std::string>& overrides,
                Findings& findings) {
  for (ParamSpec& param : dataset.params) {
    auto given = overrides.find(param.name);
    if (given != overrides.end()) {
      if (auto wrong = WrongLiteral(param.type, given->second)) {
        findings.Error(kParam, param.place, "the value given for `" + param.name + "`: " + *wrong,
                       "it is declared as " + param.type);
      }
      param.value = given->second;
    } else if (!param.has_default) {
      findings.Error(kParam, param.place, "the parameter `" + param.name + "` has no value",
                     "pass --param " + param.name + "=VALUE, or declare a default");
    }
  }
}

void CheckOverrides(const std::vector<Manifest>& manifests,
                    const std::map<std::string, std::string>& overrides, Findings& findings) {
  std::set<std::string> declared;
  for (const Manifest& manifest : manifests) {
    for (const ParamSpec& param : manifest.params) declared.insert(param.name);
  }
  for (const auto& [name, value] : overrides) {
    if (declared.contains(name)) continue;
    std::string near = yaml::Nearest(name, declared);
    findings.Error(kParam, {}, "no manifest declares the parameter `" + name + "`",
                   near.empty() ? "declare it under spec.params" : "did you mean `" + near + "`?");
  }
}

Dataset MakeDataset(const Manifest& manifest, const std::string& catalog, std::string query) {
  Dataset dataset;
  dataset.id = manifest.name;
  dataset.table = catalog + "." + manifest.name;
  dataset.place = manifest.place;
  dataset.sql = std::move(query);
  dataset.sql_path = manifest.sql_path;
  dataset.sql_source = manifest.sql_source;
  dataset.params = manifest.params;
  dataset.columns_declared = manifest.columns_declared;
  dataset.columns = manifest.columns;
  dataset.partitioning = manifest.partitioning;
  dataset.properties = manifest.properties;
  dataset.test_route = manifest.test_route;
  dataset.run_route = manifest.run_route;
  dataset.spec = CanonicalSpec(manifest);
  dataset.spec_hash = SpecHash(dataset.spec);
  return dataset;
}

/// Depth-first order by `reads`; a cycle is reported with its path.
class Sorter {
 public:
  Sorter(std::map<std::string, Dataset>& datasets, Findings& findings)
      : datasets_(datasets), findings_(findings) {}

  std::vector<Dataset> Sort(const std::vector<std::string>& ids) {
    for (const std::string& id : ids) Visit(id);
    std::vector<Dataset> out;
    for (const std::string& id : order_) out.push_back(std::move(datasets_.at(id)));
    return out;
  }

 private:
  // Recursion is bounded by the number of manifests of a run (200).
  void Visit(const std::string& id) {
    if (done_.contains(id)) return;
    auto open = std::find(path_.begin(), path_.end(), id);
    if (open != path_.end()) {
      ReportCycle({open, path_.end()});
      return;
    }
    path_.push_back(id);
    Dataset& dataset = datasets_.at(id);
    for (const std::string& read : dataset.reads) {
      Visit(read);
      const Dataset& source = datasets_.at(read);
      dataset.round = std::max(dataset.round, source.round + (source.columns_declared ? 0 : 1));
    }
    path_.pop_back();
    if (done_.insert(id).second) order_.push_back(id);
  }
  void ReportCycle(const std::vector<std::string>& cycle) {
    const Place& place = datasets_.at(cycle.front()).place;
    if (cycle.size() == 1) {
      findings_.Error(kCycle, place, cycle.front() + " reads its own output",
                      "materialization full writes the table anew: read the table's sources");
      return;
    }
    std::string text;
    for (const std::string& id : cycle) text += id + " -> ";
    findings_.Error(kCycle, place,
                    "the datasets read each other in a circle: " + text + cycle.front(),
                    "break the circle at one of them");
  }

  std::map<std::string, Dataset>& datasets_;
  Findings& findings_;
  std::vector<std::string> path_;
  std::set<std::string> done_;
  std::vector<std::string> order_;
};

void FindReads(std::map<std::string, Dataset>& datasets,
               const std::map<std::string, SqlScan>& scans) {
  std::map<std::string, std::string> by_name;
  for (const auto& [id, dataset] : datasets) {
    by_name[id] = id;
    by_name[dataset.table] = id;
  }
  for (auto& [id, dataset] : datasets) {
    std::set<std::string> reads;
    for (const std::string& name : scans.at(id).names) {
      if (auto found = by_name.find(name); found != by_name.end()) reads.insert(found->second);
    }
    dataset.reads.assign(reads.begin(), reads.end());
  }
}

}  // namespace

Collected Collect(const std::vector<Source>& sources, const std::vector<Source>& files,
                  const std::string& catalog, const std::map<std::string, std::string>& overrides,
                  Findings& findings) {
  Collected out;
  std::vector<Manifest> manifests;
  for (const Source& source : sources) {
    for (Manifest& manifest : ParseManifests(source.path, source.content, catalog, findings)) {
      manifests.push_back(std::move(manifest));
    }
  }
  if (sources.empty())
    findings.Error(kNoManifest, {}, "the command names no manifest", "name at least one file");
  std::vector<std::string> missing = FillSql(manifests, files, findings);
  if (!missing.empty()) {
    if (findings.errors() == 0) out.needs_files = std::move(missing);
    return out;
  }

  bool all_parsed = findings.errors() == 0;
  std::map<std::string, Dataset> datasets;
  std::map<std::string, SqlScan> scans;
  std::vector<std::string> ids;
  for (const Manifest& manifest : manifests) {
    if (!manifest.sql_is_text) continue;
    if (manifest.sql.size() > kSqlBytesMax) {
      findings.Error(kSqlTooLong, manifest.sql_place,
                     "the SQL has " + std::to_string(manifest.sql.size()) + " bytes; at most " +
                         std::to_string(kSqlBytesMax) + " are taken",
                     "load generated values into a table, and join it");
      continue;
    }
    SqlScan scan = ScanSql(manifest.sql);
    CheckSql(manifest, scan, findings);
    auto first = datasets.find(manifest.name);
    if (first != datasets.end()) {
      findings.Error(kDuplicate, manifest.place,
                     "the dataset " + manifest.name + " is defined twice",
                     "it is defined at " + Where(first->second.place) + " already");
      continue;
    }
    Dataset dataset = MakeDataset(manifest, catalog, scan.query);
    BindParams(dataset, overrides, findings);
    ids.push_back(manifest.name);
    datasets.emplace(manifest.name, std::move(dataset));
    scans.emplace(manifest.name, std::move(scan));
  }
  if (all_parsed) CheckOverrides(manifests, overrides, findings);
  FindReads(datasets, scans);
  out.datasets = Sorter(datasets, findings).Sort(ids);
  return out;
}

Outline OutlineOf(const std::vector<Source>& sources, const std::vector<Source>& files,
                  const std::string& catalog) {
  Outline out;
  Findings ignored;  // the command itself tells them
  std::vector<Manifest> manifests;
  std::vector<size_t> source_of;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (Manifest& manifest :
         ParseManifests(sources[i].path, sources[i].content, catalog, ignored)) {
      manifests.push_back(std::move(manifest));
      source_of.push_back(i);
    }
  }
  out.needs_files = FillSql(manifests, files, ignored);
  if (!out.needs_files.empty()) return out;
  const std::string prefix = catalog + ".";
  for (size_t i = 0; i < manifests.size(); ++i) {
    const Manifest& manifest = manifests[i];
    OutlinedDataset dataset{sources[source_of[i]].path, manifest.name, {}, {}, {}};
    if (manifest.sql_is_text && manifest.sql.size() <= kSqlBytesMax) {
      for (const std::string& name : ScanSql(manifest.sql).names) {
        dataset.reads.push_back(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
      }
    }
    for (const ParamSpec& param : manifest.params) dataset.params.push_back(param.name);
    if (manifest.sql_file) dataset.sql_file = *manifest.sql_file;
    out.datasets.push_back(std::move(dataset));
  }
  return out;
}

}  // namespace dcp::derived_dataset
