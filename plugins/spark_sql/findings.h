// SPDX-License-Identifier: Apache-2.0
//
// Findings, placed in the file that the person wrote; each backend puts them into the contract's
// form in the encoding that it speaks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "spark_sql/engine_error.h"
#include "spark_sql/lexer.h"
#include "spark_sql/positions.h"

namespace dcp::spark_sql {

struct Finding {
  bool is_error = true;  ///< else a warning
  std::string code;
  std::string message;
  std::string hint;
  std::string engine_code;
  std::string sql_state;
  std::string file;
  Place begin;
  std::optional<Place> end;
};

class Findings {
 public:
  using Sink = std::function<void(Finding)>;

  Findings(std::string sql, Origin origin, Sink sink)
      : sql_(std::move(sql)), origin_(std::move(origin)), sink_(std::move(sink)) {}

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
  const Origin origin_;
  const Sink sink_;
  int errors_ = 0;
};

}  // namespace dcp::spark_sql
