// SPDX-License-Identifier: Apache-2.0
#include "analyzer.h"

#include <dcp/contract/v1/test_backend.pb.h>
#include <spark/connect/base.pb.h>

#include <chrono>
#include <future>
#include <utility>

#include "ddl.h"
#include "engine_error.h"
#include "findings.h"
#include "plan.h"
#include "screen.h"

namespace dcp::spark_connect {
namespace {

namespace sc = ::spark::connect;
namespace v1 = ::dcp::contract::v1;

constexpr const char* kClientType = "pretzel";

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

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

template <typename Request>
void Address(const Session& session, Request* request) {
  request->set_session_id(session.session_id);
  request->mutable_user_context()->set_user_id(session.user_id);
  request->set_client_type(kClientType);
}

void ReleaseSession(Client& client, const Session& session) {
  CallScope scope(kReleaseTimeoutMs);
  sc::ReleaseSessionRequest request;
  Address(session, &request);
  (void)client.Release(request, scope);  // the server forgets it by itself, later
}

// One Analyze call. Holds what the steps share.
class Run {
 public:
  Run(Client& client, SessionPool& pool, const v1::AnalyzeRequest& request, CallScope& scope,
      const Analyzer::Progress& progress, v1::AnalyzeResponse* response)
      : client_(client),
        pool_(pool),
        request_(request),
        scope_(scope),
        progress_(progress),
        response_(response),
        findings_(request, response) {}

  // An error to end the call with, or none.
  using Problem = std::optional<sdk::Error>;

  Problem Go() {
    if (!Prepare()) return std::nullopt;
    // A server that was restarted lost the session: once, with a new one, all is well again.
    for (int attempt = 0;; ++attempt) {
      lost_ = false;
      Problem problem = Attempt();
      if (!lost_ || attempt > 0) return problem;
      pool_.Drop(session_);
    }
  }

 private:
  // False when the query is refused here; findings say why.
  bool Prepare() {
    ScreenResult screened = Screen(request_.sql());
    if (screened.denial) {
      findings_.AddDenial(*screened.denial);
      return false;
    }
    std::vector<std::string> names;
    bool good = true;
    for (const v1::Parameter& parameter : request_.params()) {
      names.push_back(parameter.name());
      const auto value = parameter.has_value() ? std::optional(parameter.value()) : std::nullopt;
      auto& argument = (*query_.mutable_named_arguments())[parameter.name()];
      const std::string wrong = ToLiteral(parameter.type(), value, argument.mutable_literal());
      if (wrong.empty()) continue;
      good = false;
      findings_.AddError("PZ0219", "parameter ':" + parameter.name() + "': " + wrong,
                         "types: string, boolean, int, bigint, double, decimal(p,s), date, "
                         "timestamp; write values as Spark does");
    }
    for (const Denial& denial : UndeclaredMarkers(screened.query.markers, names)) {
      good = false;
      findings_.AddDenial(denial);
    }
    for (const std::string& name : UnusedParameters(screened.query.markers, names)) {
      findings_.AddWarning("PZ0216", "the parameter '" + name + "' is not used in the SQL",
                           "remove it, or write :" + name);
    }
    query_.set_query(Wrap(screened.query.sql));
    findings_.UseQuery(screened.query.sql);
    return good;
  }

  Problem Attempt() {
    Stopwatch watch;
    bool reused = false;
    std::vector<MountSpec> mounts;
    for (const v1::Mount& mount : request_.mounts()) {
      mounts.push_back(
          {mount.name(), mount.uri(), mount.token(), mount.expires_at_ms(), mount.session_key()});
    }
    session_ = pool_.Acquire(mounts, &reused);
    {
      std::lock_guard lock(session_->mutex);
      reused = reused && session_->ready;
      if (!session_->ready) {
        progress_("opening a session on the test cluster");
        if (Problem problem = Open(mounts)) {
          pool_.Drop(session_);
          return problem;
        }
      }
      observed_ = session_->server_side_session_id;
      response_->set_engine_version(session_->engine_version);
    }
    response_->set_engine("spark");
    response_->set_session_reused(reused);
    response_->mutable_timings()->set_session_ms(watch.Ms());
    return Ask();
  }

  // Checks the version, and mounts the catalogs, before anything can use them.
  Problem Open(const std::vector<MountSpec>& mounts) {
    sc::AnalyzePlanRequest version;
    Address(*session_, &version);
    version.mutable_spark_version();
    sc::AnalyzePlanResponse answer;
    if (auto failure = client_.Analyze(version, &answer, scope_)) return client_.ToError(*failure);
    session_->engine_version = answer.spark_version().version();
    if (Problem problem = CheckVersion(session_->engine_version)) return problem;

    sc::ConfigRequest config;
    Address(*session_, &config);
    config.set_client_observed_server_side_session_id(answer.server_side_session_id());
    Configure(mounts, config.mutable_operation()->mutable_set());
    sc::ConfigResponse done;
    if (auto failure = client_.Config(config, &done, scope_)) {
      const EngineError error = FromFailure(*failure);
      lost_ = IsSessionLost(error);
      return ToCallError(error, *failure, client_);
    }
    session_->server_side_session_id = done.server_side_session_id();
    session_->ready = true;
    return std::nullopt;
  }

  static void Configure(const std::vector<MountSpec>& mounts, sc::ConfigRequest::Set* set) {
    const auto put = [set](const std::string& key, const std::string& value) {
      auto* pair = set->add_pairs();
      pair->set_key(key);
      pair->set_value(value);
    };
    for (const MountSpec& mount : mounts) {
      const std::string catalog = "spark.sql.catalog." + mount.name;
      put(catalog, "org.apache.iceberg.spark.SparkCatalog");
      put(catalog + ".type", "rest");
      put(catalog + ".uri", mount.uri);
      put(catalog + ".header.x-pretzel-token", mount.token);
      // The OAuth way would start threads that closing a session does not stop.
      put(catalog + ".rest.auth.type", "none");
      put(catalog + ".cache-enabled", "false");
      put(catalog + ".rest-metrics-reporting-enabled", "false");
      put(catalog + ".io-impl", "org.apache.iceberg.hadoop.HadoopFileIO");
    }
    if (!mounts.empty()) put("spark.sql.defaultCatalog", mounts.front().name);
    put("spark.sql.debug.maxToStringFields", "100000");
    put("spark.sql.maxMetadataStringLength", "10000");
    // Off on our own server already; a server of somebody else's may not know.
    put("spark.sql.runSQLOnFiles", "false");
    put("spark.sql.scripting.enabled", "false");
    put("spark.sql.variable.substitute", "false");
  }

  Problem CheckVersion(const std::string& version) const {
    int major = 0;
    int minor = 0;
    if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2 &&
        (major > 4 || (major == 4 && minor >= 1))) {
      return std::nullopt;
    }
    sdk::Error error;
    error.code = DCP_FAILED_PRECONDITION;
    error.id = "PZ0245";
    error.message = "the server at " + client_.endpoint() + " runs Spark " + version +
                    "; before 4.1, analyzing a statement may run it";
    error.hint = "use a server with Spark 4.1 or later";
    return error;
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
    const bool explain = request_.mode() == v1::EXPLAIN;
    if (explain) {
      explaining = std::async(std::launch::async, [&] {
        Stopwatch watch;
        sc::AnalyzePlanRequest request = Question();
        request.mutable_explain()->set_explain_mode(
            sc::AnalyzePlanRequest::Explain::EXPLAIN_MODE_EXTENDED);
        *request.mutable_explain()->mutable_plan()->mutable_root()->mutable_sql() = query_;
        auto failure = client_.Analyze(request, &plan, scope_);
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
    const auto explain_failure = explain ? explaining.get() : std::nullopt;
    response_->mutable_timings()->set_explain_ms(explain_ms);
    if (failure) return Judge(*failure);
    if (explain_failure) return Judge(*explain_failure);
    ReadSchema(schema.schema().schema());
    if (explain) ReadExplain(plan.explain().explain_string());
    return std::nullopt;
  }

  void ReadSchema(const sc::DataType& type) {
    for (const auto& field : type.struct_().fields()) {
      v1::Column* column = response_->add_columns();
      column->set_name(field.name());
      column->set_type(ToDdl(field.data_type()));
      column->set_nullable(field.nullable());
    }
  }

  void ReadExplain(const std::string& text) {
    const PlanFacts facts = ReadPlan(text);
    for (const std::string& input : facts.inputs) response_->add_inputs(input);
    for (const std::string& node : facts.denied) {
      findings_.AddError("PZ0221", "the plan holds a '" + node + "', which a test does not allow",
                         "read tables of the catalog, with built-in functions");
    }
    response_->set_plan(CapPlan(text));
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
    if (error.error_class == "UNBOUND_SQL_PARAMETER") return LostParameters();
    if (error.start_index < 0 && query_.named_arguments_size() > 0) LocateUnbound(&error);
    std::string hint = HintFor(error);
    if (error.error_class == "TABLE_OR_VIEW_NOT_FOUND") hint = HintForTable(error);
    findings_.AddEngine(error, hint);
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

  // Spark 4.1 pastes parameters before it parses, and counts columns in the text it made. Asked
  // without values, it stumbles over the same word, in the person's own text.
  void LocateUnbound(EngineError* error) {
    sc::AnalyzePlanRequest request = Question();
    request.mutable_schema()->mutable_plan()->mutable_root()->mutable_sql()->set_query(
        query_.query());
    sc::AnalyzePlanResponse ignored;
    if (const auto failure = client_.Analyze(request, &ignored, scope_)) {
      EngineError again = FromFailure(*failure);
      FetchDetails(&again);
      if (again.error_class == error->error_class) error->message = again.message;
    }
  }

  // Declared and sent, and still unbound: the server's parser drops them.
  Problem LostParameters() const {
    sdk::Error error;
    error.code = DCP_FAILED_PRECONDITION;
    error.id = "PZ0246";
    error.message = "the server at " + client_.endpoint() + " drops SQL parameters";
    error.hint =
        "start it with spark.sql.legacy.parameterSubstitution.constantsOnly=true, which "
        "Iceberg's SQL extensions need on Spark 4.1";
    return error;
  }

  std::string HintForTable(const EngineError& error) const {
    const auto found = error.parameters.find("relationName");
    if (found == error.parameters.end()) return {};
    const std::string catalog = request_.context().catalog();
    if (!catalog.empty() && found->second.find('.') == std::string::npos) {
      return "write the full name: " + catalog + ".<namespace>." +
             ParseNames(found->second).front();
    }
    return "check the spelling; tables of the playground and of production go by the same name";
  }

  Client& client_;
  SessionPool& pool_;
  const v1::AnalyzeRequest& request_;
  CallScope& scope_;
  const Analyzer::Progress& progress_;
  v1::AnalyzeResponse* response_;
  Findings findings_;
  sc::SQL query_;
  std::shared_ptr<Session> session_;
  std::string observed_;
  bool lost_ = false;
};

}  // namespace

Analyzer::Analyzer(const Settings& settings)
    : client_(settings),
      pool_(settings.sessions_max, settings.session_idle_ms, NowMs,
            [this](const Session& session) { ReleaseSession(client_, session); }) {}

Analyzer::~Analyzer() = default;

sdk::Outcome<bool> Analyzer::Analyze(const v1::AnalyzeRequest& request, CallScope& scope,
                                     const Progress& progress, v1::AnalyzeResponse* response) {
  if (auto problem = Run(client_, pool_, request, scope, progress, response).Go()) {
    return *std::move(problem);
  }
  bool valid = true;
  for (const auto& finding : response->findings()) valid = valid && finding.severity() != v1::ERROR;
  response->set_valid(valid);
  return true;
}

}  // namespace dcp::spark_connect
