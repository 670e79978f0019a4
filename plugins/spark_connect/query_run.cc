// SPDX-License-Identifier: Apache-2.0
#include "query_run.h"

#include <dcp/contract/v1/test_backend.pb.h>
#include <spark/connect/base.pb.h>

#include <chrono>
#include <future>
#include <utility>

#include "catalog_names.h"
#include "ddl.h"
#include "engine_error.h"
#include "findings.h"
#include "mounting.h"
#include "spark_sql/growth.h"
#include "spark_sql/plan.h"
#include "spark_sql/query.h"

namespace dcp::spark_connect {
namespace {

namespace sc = ::spark::connect;
namespace v1 = ::dcp::contract::v1;

class Stopwatch {
 public:
  int64_t Ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start_)
        .count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// One call. Holds what the steps share.
class Run {
 public:
  Run(const Engine& engine, const v1::AnalyzeRequest& request, CallScope& scope,
      const Progress& progress, const Execution* execution, v1::AnalyzeResponse* response)
      : client_(engine.client),
        pool_(engine.pool),
        sessions_opened_(engine.sessions_opened),
        request_(request),
        scope_(scope),
        progress_(progress),
        execution_(execution),
        response_(response),
        findings_(request, response) {
    for (const v1::Mount& mount : request.mounts()) {
      mounts_.push_back(
          {mount.name(), mount.uri(), mount.token(), mount.expires_at_ms(), mount.session_key()});
    }
  }

  Problem Go() {
    if (!Prepare()) return std::nullopt;
    // A server that was restarted lost the session: once, with a new one, all is well again.
    for (int attempt = 0;; ++attempt) {
      lost_ = false;
      Problem problem = Attempt();
      if (!lost_ || attempt > 0) return problem;
      pool_.Drop(session_, /*lost=*/true);
    }
  }

 private:
  // False when the query is refused here; findings say why.
  bool Prepare() {
    std::vector<Parameter> parameters;
    for (const v1::Parameter& parameter : request_.params()) {
      const auto value = parameter.has_value() ? std::optional(parameter.value()) : std::nullopt;
      parameters.push_back({parameter.name(), parameter.type(), value});
    }
    const auto query = PrepareQuery(request_.sql(), parameters, &findings_);
    if (!query) return false;
    for (const auto& [name, value] : query->values) {
      SetLiteral(value, (*query_.mutable_named_arguments())[name].mutable_literal());
    }
    query_.set_query(query->text);
    return true;
  }

  Problem Attempt() {
    Stopwatch watch;
    bool reused = false;
    session_ = pool_.Acquire(mounts_, &reused);
    {
      std::lock_guard lock(session_->mutex);
      reused = reused && session_->ready;
      if (!session_->ready) {
        progress_("opening a session on the test cluster");
        if (Problem problem = OpenSession(client_, mounts_, scope_, session_.get(), &lost_)) {
          pool_.Drop(session_, lost_);
          return problem;
        }
        ++sessions_opened_;
      }
      observed_ = session_->server_side_session_id;
      response_->set_engine_version(session_->engine_version);
    }
    response_->set_engine("spark");
    response_->set_session_reused(reused);
    response_->set_sessions_opened(sessions_opened_);
    response_->mutable_timings()->set_session_ms(watch.Ms());
    // An attempt before this one may have come as far as that.
    response_->clear_columns();
    response_->clear_inputs();
    if (Problem problem = Ask()) return problem;
    if (execution_ == nullptr || findings_.errors() > 0) return std::nullopt;
    if (execution_->begin && !execution_->begin(schema_, &findings_)) return std::nullopt;
    return Execute();
  }

  sc::AnalyzePlanRequest Question() const {
    sc::AnalyzePlanRequest request;
    Address(*session_, &request);
    // Lets the server say that it is not the one we mounted the catalogs in.
    request.set_client_observed_server_side_session_id(observed_);
    return request;
  }

  // Schema, and at the same time the plan. `query_` is what the screen has seen.
  Problem Ask() {
    progress_("asking Spark");
    std::future<Client::Failure> explaining;
    sc::AnalyzePlanResponse plan;
    int64_t explain_ms = 0;
    const bool explain = request_.mode() != v1::SCHEMA;
    CallScope explain_scope(scope_.RemainingMs());
    const CallScope::Guard follow(scope_, [&explain_scope] { explain_scope.Cancel(); });
    if (explain) {
      explaining = std::async(std::launch::async, [&] {
        Stopwatch watch;
        sc::AnalyzePlanRequest request = Question();
        request.mutable_explain()->set_explain_mode(
            sc::AnalyzePlanRequest::Explain::EXPLAIN_MODE_EXTENDED);
        *request.mutable_explain()->mutable_plan()->mutable_root()->mutable_sql() = query_;
        auto failure = client_.Analyze(request, &plan, explain_scope);
        explain_ms = watch.Ms();
        return failure;
      });
    }
    Stopwatch watch;
    sc::AnalyzePlanRequest request = Question();
    *request.mutable_schema()->mutable_plan()->mutable_root()->mutable_sql() = query_;
    sc::AnalyzePlanResponse schema;
    const auto failure = client_.Analyze(request, &schema, scope_);
    response_->mutable_timings()->set_analyze_ms(watch.Ms());
    if (failure) explain_scope.Cancel();  // it has nothing to say that we do not know
    const auto explain_failure = explain ? explaining.get() : std::nullopt;
    response_->mutable_timings()->set_explain_ms(explain_ms);
    if (failure) return Judge(*failure);
    if (explain_failure) return Judge(*explain_failure);
    schema_ = schema.schema().schema();
    ReadSchema(schema_);
    if (explain) ReadExplain(plan.explain().explain_string());
    return std::nullopt;
  }

  void ReadSchema(const sc::DataType& type) {
    size_t bytes = 0;
    for (const auto& field : type.struct_().fields()) {
      v1::Column* column = response_->add_columns();
      column->set_name(field.name());
      column->set_type(ToDdl(field.data_type()));
      column->set_nullable(field.nullable());
      bytes += column->name().size() + column->type().size();
    }
    if (!spark_sql::CheckSchemaSize(bytes, &findings_)) response_->clear_columns();
  }

  void ReadExplain(const std::string& text) {
    for (const std::string& input : JudgePlan(text, &findings_)) response_->add_inputs(input);
    response_->set_plan(CapPlan(text));
  }

  // The query, with a limit around it: a relation of its own, so the text is what was screened.
  // Only after its plan was looked at.
  Problem Execute() {
    progress_("running the query");
    Stopwatch watch;
    sc::ExecutePlanRequest request;
    Address(*session_, &request);
    request.set_client_observed_server_side_session_id(observed_);
    request.set_operation_id(NewUuid());
    auto* limit = request.mutable_plan()->mutable_root()->mutable_limit();
    limit->set_limit(execution_->limit);
    *limit->mutable_input()->mutable_sql() = query_;
    bool enough = false;
    const auto failure = client_.Execute(
        request,
        [&](const std::string& arrow) {
          enough = execution_->take && !execution_->take(arrow);
          return !enough;
        },
        scope_);
    response_->mutable_timings()->set_execute_ms(watch.Ms());
    if (!failure && !enough) return std::nullopt;
    // The server goes on with a query that nobody listens to.
    if (enough || failure->code != DCP_INTERNAL) Interrupt(request.operation_id());
    if (enough) return std::nullopt;
    if (failure->code == DCP_RESOURCE_EXHAUSTED && execution_->too_large) {
      execution_->too_large();
      return std::nullopt;
    }
    if (failure->code == DCP_DEADLINE_EXCEEDED) return TookTooLong();
    return Judge(*failure);
  }

  // Whether or not the call's own time is over.
  void Interrupt(const std::string& operation_id) {
    CallScope scope(kInterruptTimeoutMs);
    sc::InterruptRequest request;
    Address(*session_, &request);
    request.set_interrupt_type(sc::InterruptRequest::INTERRUPT_TYPE_OPERATION_ID);
    request.set_operation_id(operation_id);
    (void)client_.Interrupt(request, scope);  // it has ended already, or ends with its session
  }

  Problem TookTooLong() const {
    sdk::Error error;
    error.code = DCP_DEADLINE_EXCEEDED;
    error.id = "PZ0247";
    error.message = "the query did not end within its time, and Spark was told to stop it";
    error.hint =
        "allow more time (--timeout), or filter earlier: a preview computes all that its rows need";
    return error;
  }

  // A failed RPC: a finding, a lost session, or a call that fails.
  Problem Judge(const RpcFailure& failure) {
    EngineError error = FromFailure(failure);
    if (IsSessionLost(error)) {
      lost_ = true;
      return ToCallError(error, failure, client_);
    }
    FetchDetails(&error);
    if (!IsAboutQuery(error) || failure.code != DCP_INTERNAL) {
      return ToCallError(error, failure, client_);
    }
    if (auto lost = LostParameters(error, "the server at " + client_.endpoint())) return lost;
    Locate(&error);
    findings_.AddEngine(error, Hint(error));
    return std::nullopt;
  }

  void FetchDetails(EngineError* error) {
    if (error->error_id.empty()) return;
    sc::FetchErrorDetailsRequest request;
    Address(*session_, &request);
    request.set_error_id(error->error_id);
    sc::FetchErrorDetailsResponse details;
    if (!client_.ErrorDetails(request, &details, scope_)) AddDetails(details, error);
  }

  // Spark 4.1 pastes parameters before it parses, and is wrong about places behind them. What it
  // stumbles over again, asked in a way that it is right about, is in the person's own text.
  void Locate(EngineError* error) {
    sc::SQL query = query_;
    if (error->start_index < 0) {
      // A parse error: its place counts in the text that was made. Without values there is none.
      if (query.named_arguments().empty()) return;
      query.clear_named_arguments();
    } else if (!MakeNarrow(&query)) {
      // A place is mapped back by the values' length in UTF-16, though it counts characters.
      return;
    }
    sc::AnalyzePlanRequest request = Question();
    *request.mutable_schema()->mutable_plan()->mutable_root()->mutable_sql() = query;
    sc::AnalyzePlanResponse ignored;
    const auto failure = client_.Analyze(request, &ignored, scope_);
    if (!failure) return;
    EngineError again = FromFailure(*failure);
    FetchDetails(&again);
    if (again.error_class != error->error_class) return;
    if (error->start_index < 0) {
      error->message = again.message;
    } else if (again.start_index >= 0) {
      error->start_index = again.start_index;
      error->stop_index = again.stop_index;
    }
  }

  std::string Hint(const EngineError& error) {
    std::vector<std::string> catalogs;
    for (const MountSpec& mount : mounts_) catalogs.push_back(mount.name);
    CatalogNames names(mounts_, scope_);
    return HintForRefusal(error, request_.context().catalog(), catalogs,
                          [this, &names](size_t mount, NameKind kind, const Levels& levels) {
                            progress_("looking for a table of a similar name");
                            return names.List(mount, kind, levels);
                          });
  }

  Client& client_;
  SessionPool& pool_;
  std::atomic<int64_t>& sessions_opened_;
  const v1::AnalyzeRequest& request_;
  CallScope& scope_;
  const Progress& progress_;
  const Execution* const execution_;
  v1::AnalyzeResponse* response_;
  Findings findings_;
  std::vector<MountSpec> mounts_;
  sc::SQL query_;
  sc::DataType schema_;
  std::shared_ptr<Session> session_;
  std::string observed_;
  bool lost_ = false;
};

}  // namespace

Problem RunQuery(const Engine& engine, const v1::AnalyzeRequest& request, CallScope& scope,
                 const Progress& progress, const Execution* execution,
                 v1::AnalyzeResponse* response) {
  Problem problem = Run(engine, request, scope, progress, execution, response).Go();
  bool valid = true;
  for (const auto& finding : response->findings()) valid = valid && finding.severity() != v1::ERROR;
  response->set_valid(valid);
  return problem;
}

}  // namespace dcp::spark_connect
