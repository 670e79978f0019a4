// SPDX-License-Identifier: Apache-2.0
//
// The columns a manifest declares against those that the engine derives for its query.
#include <algorithm>
#include <set>

#include "command.h"
#include "spark_type.h"

namespace dcp::derived_dataset {
namespace {

std::string Folded(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return text;
}

struct EngineColumn {
  std::string name;
  std::string type;    ///< as the engine wrote it
  std::string stored;  ///< as Iceberg stores it; empty when it cannot
  bool nullable = true;
};

std::vector<EngineColumn> Read(const Json& list) {
  std::vector<EngineColumn> out;
  if (!list.is_array()) return out;
  for (const Json& json : list) {
    std::string type = TextOf(json, "type");
    out.push_back(
        {TextOf(json, "name"), type, StoredType(type).canonical, FlagOf(json, "nullable", true)});
  }
  return out;
}

void ComparePair(const ColumnSpec& declared, const EngineColumn& engine, Findings& findings) {
  if (declared.name != engine.name) {
    findings.Error(kColumnCase, declared.place,
                   "`" + declared.name + "` is declared; the query yields `" + engine.name + "`",
                   "write both with the same letters: other engines tell them apart");
  }
  if (!engine.stored.empty() && engine.stored != declared.type) {
    findings.Error(
        kColumnType, declared.place,
        "`" + declared.name + "` is declared as " + declared.type + "; the query yields " +
            engine.type,
        "declare " + engine.stored + ", or write CAST(... AS " + declared.type + ") in the query");
  }
  if (!declared.nullable && engine.nullable) {
    findings.Add(Severity::kWarning, kColumnNullable, declared.place,
                 "`" + declared.name +
                     "` is declared without NULL; the engine cannot tell that there is none",
                 "the run fails at the first NULL; use coalesce(), or drop `nullable: false`");
  }
}

}  // namespace

void CheckStorable(const Dataset& dataset, const Json& engine_columns, Findings& findings) {
  std::set<std::string> seen;
  for (const EngineColumn& column : Read(engine_columns)) {
    if (!seen.insert(Folded(column.name)).second) {
      findings.Error(kColumnUnstorable, dataset.SqlStart(),
                     "the query yields two columns named `" + column.name + "`",
                     "name one of them with AS");
    }
    if (!column.stored.empty()) continue;
    TypeCheck check = StoredType(column.type);
    findings.Error(
        kColumnUnstorable, dataset.SqlStart(),
        "the query yields `" + column.name + "` as " + column.type + ", which no table can hold",
        check.hint.empty() ? "cast it to a type of a table" : check.hint);
  }
}

void CompareColumns(const Dataset& dataset, const Json& engine_columns, Findings& findings) {
  std::vector<EngineColumn> engine = Read(engine_columns);
  std::vector<bool> matched(engine.size());
  std::vector<size_t> order;
  std::vector<const ColumnSpec*> missing;
  for (const ColumnSpec& declared : dataset.columns) {
    auto same = [&](const EngineColumn& column) {
      return Folded(column.name) == Folded(declared.name);
    };
    auto found = std::find_if(engine.begin(), engine.end(), same);
    if (found == engine.end()) {
      missing.push_back(&declared);
      continue;
    }
    auto index = static_cast<size_t>(found - engine.begin());
    matched[index] = true;
    order.push_back(index);
    ComparePair(declared, *found, findings);
  }
  std::vector<std::string> extra;
  for (size_t i = 0; i < engine.size(); ++i) {
    if (!matched[i]) extra.push_back(engine[i].name);
  }
  for (const ColumnSpec* column : missing) {
    std::string near = sdk::yaml::Nearest(column->name, extra);
    findings.Error(
        kColumnMissing, column->place,
        "`" + column->name + "` is declared; the query does not yield it",
        near.empty() ? "add it to the query, or remove it here" : "did you mean `" + near + "`?");
  }
  for (size_t i = 0; i < engine.size(); ++i) {
    if (matched[i]) continue;
    findings.Error(kColumnExtra,
                   dataset.columns.empty() ? dataset.place : dataset.columns.front().place,
                   "the query yields `" + engine[i].name + "`, which is not declared",
                   "add - {name: " + engine[i].name + ", type: \"" + engine[i].stored +
                       "\"}, or drop it from the query");
  }
  if (missing.empty() && extra.empty() && !std::is_sorted(order.begin(), order.end())) {
    findings.Add(Severity::kInfo, kColumnOrder, dataset.columns.front().place,
                 "the columns are declared in another order than the query yields them",
                 "the table has the declared order; rows are written by name");
  }
}

}  // namespace dcp::derived_dataset
