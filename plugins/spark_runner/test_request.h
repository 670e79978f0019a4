// SPDX-License-Identifier: Apache-2.0
//
// The part of an AnalyzeRequest that Analyze and Interpret read alike: the query as it was
// screened, and the findings in the contract's form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json_io.h"
#include "spark_sql/query.h"

namespace dcp::spark_runner {

struct TestRequest {
  std::string run_id;
  std::string catalog;  ///< production's name
  std::string mode;     ///< of coreetl.py
  std::string sql;
  std::vector<spark_sql::Parameter> parameters;
  spark_sql::Origin origin;
};

/// `json` is an AnalyzeRequest.
TestRequest ReadTestRequest(const Json& json);

/// The contract's Finding.
Json ToJson(const spark_sql::Finding& finding);

/// Whether none of these findings is an error.
bool IsValid(const Json& findings);

}  // namespace dcp::spark_runner
