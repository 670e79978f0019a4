// SPDX-License-Identifier: Apache-2.0
//
// Findings in the contract's form, placed in the file that the person wrote.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "engine_error.h"
#include "lexer.h"
#include "positions.h"

namespace dcp::contract::v1 {
class AnalyzeRequest;
class AnalyzeResponse;
}  // namespace dcp::contract::v1

namespace dcp::spark_connect {

class Findings {
 public:
  /// Both must outlive this.
  Findings(const contract::v1::AnalyzeRequest& request, contract::v1::AnalyzeResponse* response);

  /// The text that the engine sees, once it is known: its end is where the person's query ends.
  void UseQuery(std::string sql) { sql_ = std::move(sql); }

  /// Findings of severity ERROR so far.
  int errors() const { return errors_; }

  void AddDenial(const Denial& denial);
  void AddEngine(const EngineError& error, const std::string& hint);
  void AddError(std::string id, std::string message, std::string hint);
  void AddWarning(std::string id, std::string message, std::string hint);

 private:
  void Add(bool is_error, std::string id, std::string message, std::string hint,
           const std::optional<Span>& span, const EngineError* engine);

  std::string sql_;
  contract::v1::AnalyzeResponse* response_;
  Origin origin_;
  int errors_ = 0;
};

}  // namespace dcp::spark_connect
