// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/query.h"

#include <utility>

#include "spark_sql/plan.h"
#include "spark_sql/screen.h"

namespace dcp::spark_sql {

std::optional<Query> PrepareQuery(const std::string& sql, const std::vector<Parameter>& parameters,
                                  Findings* findings) {
  ScreenResult screened = Screen(sql);
  if (screened.denial) {
    findings->AddDenial(*screened.denial);
    return std::nullopt;
  }
  Query query;
  std::vector<std::string> names;
  bool good = true;
  for (const Parameter& parameter : parameters) {
    names.push_back(parameter.name);
    ParameterValue value;
    const std::string wrong = ReadParameter(parameter.type, parameter.value, &value);
    query.values.emplace_back(parameter.name, std::move(value));
    if (wrong.empty()) continue;
    good = false;
    findings->AddError("PZ0219", "parameter ':" + parameter.name + "': " + wrong,
                       "types: string, boolean, int, bigint, double, decimal(p,s), date, "
                       "timestamp; write values as Spark does");
  }
  for (const Denial& denial : UndeclaredMarkers(screened.query.markers, names)) {
    good = false;
    findings->AddDenial(denial);
  }
  for (const std::string& name : UnusedParameters(screened.query.markers, names)) {
    findings->AddWarning("PZ0216", "the parameter '" + name + "' is not used in the SQL",
                         "remove it, or write :" + name);
  }
  query.text = Wrap(screened.query.sql);
  findings->UseQuery(std::move(screened.query.sql));
  if (!good) return std::nullopt;
  return query;
}

std::vector<std::string> JudgePlan(const std::string& explain, Findings* findings) {
  PlanFacts facts = ReadPlan(explain);
  for (const std::string& node : facts.denied) {
    findings->AddError("PZ0221", "the plan holds a '" + node + "', which a test does not allow",
                       "read tables of the catalog, with built-in functions");
  }
  return std::move(facts.inputs);
}

std::string HintForRefusal(const EngineError& error, const std::string& context_catalog,
                           const std::vector<std::string>& catalogs, const ListNames& list) {
  if (error.error_class != "TABLE_OR_VIEW_NOT_FOUND") return HintFor(error);
  const auto found = error.parameters.find("relationName");
  if (found == error.parameters.end()) return {};
  const std::vector<std::string> parts = ParseParts(found->second);
  if (parts.size() == 1 && !context_catalog.empty()) {
    return "write the full name: " + context_catalog + ".<namespace>." + QuoteName(parts.front());
  }
  std::string hint = TableHint(parts, catalogs, list);
  if (!hint.empty()) return hint;
  return "check the spelling; tables of the playground and of production go by the same name";
}

std::optional<sdk::Error> LostParameters(const EngineError& error, const std::string& where) {
  if (error.error_class != "UNBOUND_SQL_PARAMETER") return std::nullopt;
  sdk::Error lost;
  lost.code = DCP_FAILED_PRECONDITION;
  lost.id = "PZ0246";
  lost.message = where + " drops SQL parameters";
  lost.hint =
      "start it without Iceberg's SQL extensions (spark.sql.extensions): on Spark 4.1 their parser "
      "loses parameters, and no setting helps";
  return lost;
}

}  // namespace dcp::spark_sql
