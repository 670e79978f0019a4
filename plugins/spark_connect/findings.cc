// SPDX-License-Identifier: Apache-2.0
#include "findings.h"

#include <dcp/contract/v1/test_backend.pb.h>

namespace dcp::spark_connect {
namespace {

namespace v1 = ::dcp::contract::v1;

Origin OriginOf(const v1::AnalyzeRequest& request) {
  if (!request.has_source()) return {};
  const v1::SourceMap& source = request.source();
  return {true,
          source.file(),
          source.line() > 0 ? source.line() : 1,
          source.first_line_offset(),
          source.line_offset(),
          source.exact()};
}

void Append(const Finding& from, v1::AnalyzeResponse* response) {
  v1::Finding* finding = response->add_findings();
  finding->set_severity(from.is_error ? v1::ERROR : v1::WARNING);
  finding->set_code(from.code);
  finding->set_message(from.message);
  finding->set_hint(from.hint);
  finding->set_engine_code(from.engine_code);
  finding->set_sql_state(from.sql_state);
  v1::Location* location = finding->mutable_location();
  location->set_file(from.file);
  location->set_line(from.begin.line);
  location->set_column(from.begin.column);
  if (from.end) {
    location->set_end_line(from.end->line);
    location->set_end_column(from.end->column);
  }
}

}  // namespace

Findings::Findings(const v1::AnalyzeRequest& request, v1::AnalyzeResponse* response)
    : spark_sql::Findings(request.sql(), OriginOf(request),
                          [response](const Finding& finding) { Append(finding, response); }) {}

}  // namespace dcp::spark_connect
