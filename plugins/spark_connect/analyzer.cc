// SPDX-License-Identifier: Apache-2.0
#include "analyzer.h"

#include <dcp/contract/v1/test_backend.pb.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "arrow_rows.h"
#include "ddl.h"
#include "query_run.h"

namespace dcp::spark_connect {
namespace {

namespace v1 = ::dcp::contract::v1;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

sdk::Error Refuse(std::string message) {
  sdk::Error error;
  error.code = DCP_INVALID_ARGUMENT;
  error.message = "spark_connect: " + std::move(message);
  return error;
}

// The server sends what Arrow is not, or not what it announced.
sdk::Error Unreadable(const std::string& why, const std::string& endpoint) {
  sdk::Error error;
  error.code = DCP_INTERNAL;
  error.id = "PZ0248";
  error.message = "the rows that Spark Connect at " + endpoint + " sent cannot be read: " + why;
  error.hint = "use a server of the Spark line that spark_connect was tested with (4.1)";
  return error;
}

// Analysis is the same as for Analyze: only the answer has another form.
v1::AnalyzeRequest QuestionOf(const v1::PreviewRequest& request) {
  v1::AnalyzeRequest question;
  *question.mutable_context() = request.context();
  question.set_sql(request.sql());
  *question.mutable_params() = request.params();
  *question.mutable_mounts() = request.mounts();
  if (request.has_source()) *question.mutable_source() = request.source();
  question.set_mode(v1::EXPLAIN);
  return question;
}

void Take(v1::AnalyzeResponse* from, v1::PreviewResponse* to) {
  to->set_valid(from->valid());
  to->mutable_columns()->Swap(from->mutable_columns());
  to->mutable_findings()->Swap(from->mutable_findings());
  to->set_engine(from->engine());
  to->set_engine_version(from->engine_version());
  *to->mutable_timings() = from->timings();
  to->set_session_reused(from->session_reused());
  to->set_sessions_opened(from->sessions_opened());
}

}  // namespace

Analyzer::Analyzer(const Settings& settings)
    : client_(settings),
      releaser_(client_),
      pool_(settings.sessions_max, settings.session_idle_ms, NowMs,
            [this](const Session& session) { releaser_.Add(session); }) {}

Analyzer::~Analyzer() = default;

sdk::Outcome<bool> Analyzer::Analyze(const v1::AnalyzeRequest& request, CallScope& scope,
                                     const Progress& progress, v1::AnalyzeResponse* response) {
  const Execution nothing;  // its limit is 0 rows
  const bool executes = request.mode() == v1::LIMIT0;
  if (auto problem = RunQuery({client_, pool_, sessions_opened_}, request, scope, progress,
                              executes ? &nothing : nullptr, response)) {
    return *std::move(problem);
  }
  return true;
}

sdk::Outcome<bool> Analyzer::Preview(const v1::PreviewRequest& request, CallScope& outer,
                                     const Progress& progress, v1::PreviewResponse* response) {
  if (request.rows_max() < 1 || request.rows_max() > kPreviewRowsMax) {
    return Refuse("rows_max must be between 1 and " + std::to_string(kPreviewRowsMax));
  }
  if (request.bytes_max() < 1 || request.bytes_max() > kPreviewBytesMax) {
    return Refuse("bytes_max must be between 1 and " + std::to_string(kPreviewBytesMax));
  }
  CallScope scope(request.timeout_ms() > 0 ? std::min(request.timeout_ms(), outer.RemainingMs())
                                           : outer.RemainingMs());
  const CallScope::Guard follow(outer, [&scope] { scope.Cancel(); });
  std::unique_ptr<RowReader> rows;
  std::string broken;
  Execution execution;
  // One more than is shown: whether there is one is part of the answer.
  execution.limit = request.rows_max() + 1;
  execution.begin = [&](const spark::connect::DataType& schema, Findings* findings) {
    response->clear_rows();
    response->clear_more_rows();
    response->clear_truncated();
    rows = std::make_unique<RowReader>(
        HintsOf(schema), RowLimits{request.rows_max(), request.bytes_max()}, response);
    const auto unshowable = FindUnshowable(schema);
    if (!unshowable) return true;
    findings->AddError("PZ0222",
                       "the column " + unshowable->column + " holds a " + unshowable->type +
                           ", which a preview cannot show",
                       "select a part of it, or turn it into text: " + unshowable->advice);
    return false;
  };
  execution.take = [&](const std::string& arrow) {
    broken = rows->Take(arrow);
    return broken.empty() && !rows->full();
  };
  execution.too_large = [&] { response->set_truncated(true); };
  v1::AnalyzeResponse analysis;
  auto problem = RunQuery({client_, pool_, sessions_opened_}, QuestionOf(request), scope, progress,
                          &execution, &analysis);
  if (problem) return *std::move(problem);
  if (!broken.empty()) return Unreadable(broken, client_.endpoint());
  Take(&analysis, response);
  if (!response->valid()) response->clear_rows();
  return true;
}

}  // namespace dcp::spark_connect
