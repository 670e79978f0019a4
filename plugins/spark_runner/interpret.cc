// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "analyze.h"
#include "findings.h"
#include "process_state.h"
#include "spark_sql/growth.h"
#include "spark_sql/plan.h"
#include "test_request.h"

namespace dcp::spark_runner {
namespace {

using spark_sql::EngineError;
using spark_sql::Levels;
using spark_sql::NameKind;
using spark_sql::Names;

std::vector<std::string> Texts(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& item : list) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
}

EngineError ReadError(const Json& json) {
  EngineError error;
  error.error_class = Text(json, "class");
  error.sql_state = Text(json, "sql_state");
  error.message = Text(json, "message");
  error.exceptions = Texts(Child(json, "exceptions"));
  if (const Json& parameters = Child(json, "parameters"); parameters.is_object()) {
    for (const auto& [key, value] : parameters.items()) {
      if (value.is_string()) error.parameters[key] = value.get<std::string>();
    }
  }
  error.start_index = Int64(json, "start_index");
  error.stop_index = Int64(json, "stop_index");
  return error;
}

/// Names that the job listed for a hint.
std::optional<Names> Listed(const Json& listings, const std::string& catalog, NameKind kind,
                            const Levels& levels) {
  const std::string wanted = kind == NameKind::kTables ? "tables" : "namespaces";
  for (const Json& listing : listings) {
    if (Text(listing, "catalog") == catalog && Text(listing, "kind") == wanted &&
        Texts(Child(listing, "levels")) == levels) {
      return Texts(Child(listing, "names"));
    }
  }
  return std::nullopt;
}

/// Why the process gave no answer, as the call's error.
sdk::Error NoAnswer(const ProcessState& process) {
  if (process.cancel_requested) {
    return {.code = DCP_CANCELLED, .message = "the check was cancelled"};
  }
  Failure failure = ExplainEnding(process);
  const bool set_up = failure.code == "PZ0407" || failure.code == "PZ0414";
  return {.code = failure.retryable ? DCP_UNAVAILABLE
                  : set_up          ? DCP_FAILED_PRECONDITION
                                    : DCP_INTERNAL,
          .message = "cannot check the query in a batch job: " + failure.message,
          .hint = failure.hint,
          .id = failure.code};
}

class Answer {
 public:
  Answer(const TestRequest& request, const Json& result)
      : request_(request),
        result_(result),
        findings_(request.sql, request.origin,
                  [this](const spark_sql::Finding& finding) { list_.push_back(ToJson(finding)); }) {
  }

  sdk::Outcome<std::string> Make() {
    // Screened again for its warnings and places: what the job was given had passed.
    if (!spark_sql::PrepareQuery(request_.sql, request_.parameters, &findings_)) return Finish();
    if (Text(result_, "state") == "REFUSED") {
      const EngineError error = ReadError(Child(result_, "error"));
      if (!spark_sql::IsAboutQuery(error)) return spark_sql::NotTheQuery(error);
      if (auto lost = spark_sql::LostParameters(error, "the Spark of the batch jobs")) return *lost;
      findings_.AddEngine(error, Hint(error));
      return Finish();
    }
    response_["columns"] = Child(result_, "columns");
    const size_t bytes = response_["columns"].dump().size();
    if (!spark_sql::CheckSchemaSize(bytes, &findings_)) response_["columns"] = Json::array();
    if (std::string plan = Text(result_, "plan"); !plan.empty()) {
      const std::string analyzed = Text(result_, "analyzed");
      response_["inputs"] = spark_sql::JudgePlan(analyzed.empty() ? plan : analyzed, &findings_);
      response_["plan"] = spark_sql::CapPlan(std::move(plan));
    }
    return Finish();
  }

 private:
  std::string Hint(const EngineError& error) const {
    const std::vector<std::string> catalogs = Texts(Child(result_, "catalogs"));
    const Json& listings = Child(result_, "listings");
    return spark_sql::HintForRefusal(error, request_.catalog, catalogs,
                                     [&](size_t mount, NameKind kind, const Levels& levels) {
                                       return Listed(listings, catalogs.at(mount), kind, levels);
                                     });
  }

  std::string Finish() {
    response_["valid"] = IsValid(list_);
    response_["findings"] = std::move(list_);
    response_["engine"] = "spark";
    response_["engineVersion"] = Text(result_, "spark_version");
    const Json& ms = Child(result_, "ms");
    for (const auto& [from, to] : {std::pair("session", "sessionMs"),
                                   {"analyze", "analyzeMs"},
                                   {"explain", "explainMs"},
                                   {"execute", "executeMs"}}) {
      response_["timings"][to] = std::to_string(Int64(ms, from));
    }
    return Dump(response_);
  }

  const TestRequest& request_;
  const Json& result_;
  Json list_ = Json::array();
  Json response_ = Json::object();
  spark_sql::Findings findings_;
};

}  // namespace

sdk::Outcome<std::string> Interpret(std::string_view request_json) {
  const Json json = Json::parse(request_json, nullptr, false);
  const Json& process_json = Child(json, "process");
  const Json& request_part = Child(json, "request");
  if (!process_json.is_object() || !request_part.is_object()) {
    return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                      .message =
                          "cannot interpret a check: the request has no process, or not "
                          "what it was asked"};
  }
  const ProcessState process = ReadProcess(process_json);
  if (process.phase != Phase::kExited && process.phase != Phase::kLost) {
    return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                      .message = "cannot interpret a check: its process has not ended"};
  }
  const std::string state = Text(process.result, "state");
  if (state != "SUCCEEDED" && state != "REFUSED") return NoAnswer(process);
  TestRequest request = ReadTestRequest(request_part);
  if (request.catalog.empty()) request.catalog = Text(Child(json, "context"), "catalog");
  return Answer(request, process.result).Make();
}

}  // namespace dcp::spark_runner
