// SPDX-License-Identifier: Apache-2.0
//
// Findings as messages of the contract.
#pragma once

#include "engine_error.h"
#include "spark_sql/findings.h"

namespace dcp::contract::v1 {
class AnalyzeRequest;
class AnalyzeResponse;
}  // namespace dcp::contract::v1

namespace dcp::spark_connect {

class Findings : public spark_sql::Findings {
 public:
  /// Both must outlive this.
  Findings(const contract::v1::AnalyzeRequest& request, contract::v1::AnalyzeResponse* response);
};

}  // namespace dcp::spark_connect
