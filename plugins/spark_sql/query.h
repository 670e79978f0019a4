// SPDX-License-Identifier: Apache-2.0
//
// What every test backend does with a query around its own way to ask Spark: screens it before
// anything is sent, reads the plan, and finds the hint for what Spark refuses. That the backends
// give the same findings rests on their sharing this.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spark_sql/engine_error.h"
#include "spark_sql/findings.h"
#include "spark_sql/parameter.h"
#include "spark_sql/table_hint.h"

namespace dcp::spark_sql {

/// The contract's Parameter, without protobuf.
struct Parameter {
  std::string name;
  std::string type;
  std::optional<std::string> value;
};

struct Query {
  std::string text;  ///< wrapped: all that may be sent
  std::vector<std::pair<std::string, ParameterValue>> values;
};

/// Nothing when the query is refused here; findings say why. [any]
std::optional<Query> PrepareQuery(const std::string& sql, const std::vector<Parameter>& parameters,
                                  Findings* findings);

/// The tables that the plan reads; an error for each step that a test does not allow. [any]
std::vector<std::string> JudgePlan(const std::string& explain, Findings* findings);

/// What to do about what Spark refuses. `context_catalog` is production's name; `catalogs` are the
/// mounted ones, whose names `list` can list. May call `list` several times. [any]
std::string HintForRefusal(const EngineError& error, const std::string& context_catalog,
                           const std::vector<std::string>& catalogs, const ListNames& list);

/// Spark says that a parameter is unbound which was sent: Iceberg's SQL extensions drop them.
/// `where` is the server, or whatever has them. [any]
std::optional<sdk::Error> LostParameters(const EngineError& error, const std::string& where);

}  // namespace dcp::spark_sql
