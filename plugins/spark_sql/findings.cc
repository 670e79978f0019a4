// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/findings.h"

namespace dcp::spark_sql {

void Findings::AddDenial(const Denial& denial) {
  Add(true, denial.id, denial.message, denial.hint, SpanOfBytes(sql_, denial.begin, denial.end),
      nullptr);
}

void Findings::AddEngine(const EngineError& error, const std::string& hint) {
  const auto span = WhereIn(sql_, error);
  std::string message = CleanMessage(error.message);
  // The ')' is the wrapper's, which the person has not written.
  if (span && span->at_end && error.error_class == "PARSE_SYNTAX_ERROR") {
    message = "syntax error: the query ends too early";
  }
  Add(true, "PZ0220", std::move(message), hint, span, &error);
}

void Findings::AddError(std::string id, std::string message, std::string hint) {
  Add(true, std::move(id), std::move(message), std::move(hint), std::nullopt, nullptr);
}

void Findings::AddWarning(std::string id, std::string message, std::string hint) {
  Add(false, std::move(id), std::move(message), std::move(hint), std::nullopt, nullptr);
}

void Findings::Add(bool is_error, std::string id, std::string message, std::string hint,
                   const std::optional<Span>& span, const EngineError* engine) {
  errors_ += is_error ? 1 : 0;
  Finding finding;
  finding.is_error = is_error;
  finding.code = std::move(id);
  finding.message = std::move(message);
  finding.hint = std::move(hint);
  if (engine != nullptr) {
    finding.engine_code = engine->error_class;
    finding.sql_state = engine->sql_state;
  }
  finding.file = origin_.file;
  // An error without a place belongs to the query as a whole: its first line.
  finding.begin = ToFile(origin_, span ? span->begin : Place{1, 1});
  if (span) finding.end = ToFile(origin_, span->end);
  sink_(std::move(finding));
}

}  // namespace dcp::spark_sql
