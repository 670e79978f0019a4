// SPDX-License-Identifier: Apache-2.0
#include "findings.h"

#include <dcp/contract/v1/test_backend.pb.h>

#include <utility>

namespace dcp::spark_connect {

namespace v1 = ::dcp::contract::v1;

Findings::Findings(const v1::AnalyzeRequest& request, v1::AnalyzeResponse* response)
    : sql_(request.sql()), response_(response) {
  if (!request.has_source()) return;
  const v1::SourceMap& source = request.source();
  origin_ = {true,
             source.file(),
             source.line() > 0 ? source.line() : 1,
             source.first_line_offset(),
             source.line_offset(),
             source.exact()};
}

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
  v1::Finding* finding = response_->add_findings();
  finding->set_severity(is_error ? v1::ERROR : v1::WARNING);
  finding->set_code(std::move(id));
  finding->set_message(std::move(message));
  finding->set_hint(std::move(hint));
  if (engine != nullptr) {
    finding->set_engine_code(engine->error_class);
    finding->set_sql_state(engine->sql_state);
  }
  v1::Location* location = finding->mutable_location();
  location->set_file(origin_.file);
  // An error without a place belongs to the query as a whole: its first line.
  const Place begin = ToFile(origin_, span ? span->begin : Place{1, 1});
  location->set_line(begin.line);
  location->set_column(begin.column);
  if (span) {
    const Place end = ToFile(origin_, span->end);
    location->set_end_line(end.line);
    location->set_end_column(end.column);
  }
}

}  // namespace dcp::spark_connect
