// SPDX-License-Identifier: Apache-2.0
#include "submit.h"

#include <algorithm>

#include "json_io.h"
#include "process.h"
#include "spark_sql/lexer.h"
#include "spark_sql/plan.h"
#include "spark_sql/positions.h"
#include "spark_sql/screen.h"

namespace dcp::spark_runner {
namespace {

/// What Submit reads of its request.
struct Request {
  std::string catalog;  ///< first part of the table's name
  std::string table;    ///< as SQL writes it
  std::string sql;
  std::string materialization;
  std::string run_id;
  std::string directory;
  int64_t deadline_ms = 0;
  Json params = Json::array();
  Json columns = Json::array();
  std::vector<Mount> mounts;
};

sdk::Error Bad(const std::string& why) {
  return {.code = DCP_INVALID_ARGUMENT, .message = "cannot submit the job: " + why};
}

/// Splits "catalog.namespace.name" and writes it for SQL; parts that are no words are quoted.
std::string ReadTable(const std::string& name, Request* out) {
  size_t parts = 0;
  for (size_t from = 0; from <= name.size(); ++parts) {
    const size_t dot = std::min(name.find('.', from), name.size());
    const std::string part = name.substr(from, dot - from);
    from = dot + 1;
    if (part.empty() || part.find_first_of("`\r\n\t") != part.npos) return "it is not well formed";
    if (parts == 0) out->catalog = part;
    out->table += (parts == 0 ? "" : ".") + (IsWord(part) ? part : "`" + part + "`");
  }
  return parts >= 3 ? "" : "it must be catalog.namespace.name";
}

/// The mounts, among which the table's catalog must be writable.
std::string ReadTarget(const Json& job, Request* out) {
  if (std::string why = ReadMounts(Child(job, "mounts"), &out->mounts); !why.empty()) return why;
  for (const Mount& mount : out->mounts) {
    if (mount.name == out->catalog && mount.mode == "rw") return "";
  }
  return "no writable mount for the catalog '" + out->catalog + "' of its table";
}

/// The contract's messages in the job's own, smaller, form.
void ReadParamsAndColumns(const Json& job, Request* out) {
  for (const Json& param : Child(job, "params")) {
    const auto value = param.find("value");
    const bool null = value == param.end() || value->is_null();
    out->params.push_back({{"name", Text(param, "name")},
                           {"type", Text(param, "type")},
                           {"value", null ? Json() : Json(Text(param, "value"))}});
  }
  for (const Json& column : Child(job, "columns")) {
    const auto nullable = column.find("nullable");
    const bool null = nullable == column.end() || !nullable->is_boolean() || nullable->get<bool>();
    out->columns.push_back(
        {{"name", Text(column, "name")}, {"type", Text(column, "type")}, {"nullable", null}});
  }
}

/// The text as a job may run it: screened, and wrapped so that Spark's grammar takes nothing but a
/// query. As for a test, so that what passes there is what runs here.
sdk::Outcome<std::string> OnlyAQuery(const std::string& sql) {
  const spark_sql::ScreenResult screened = spark_sql::Screen(sql);
  if (!screened.denial) return spark_sql::Wrap(screened.query.sql);
  const spark_sql::Denial& denial = *screened.denial;
  const spark_sql::Span span = spark_sql::SpanOfBytes(sql, denial.begin, denial.end);
  return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                    .message = "the query is refused, in its line " +
                               std::to_string(span.begin.line) + ", column " +
                               std::to_string(span.begin.column) + ": " + denial.message,
                    .hint = denial.hint,
                    .id = denial.id};
}

sdk::Outcome<Request> ReadRequest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Bad("the request is not a JSON object");
  const Json& job = Child(json, "job");
  const Json& lease = Child(json, "lease");
  if (!job.is_object() || !lease.is_object()) return Bad("the request has no job, or no lease");
  Request request;
  const std::string table = Text(job, "table");
  if (const std::string why = ReadTable(table, &request); !why.empty()) {
    return Bad("table name '" + table + "': " + why);
  }
  request.sql = Text(job, "sql");
  if (request.sql.empty()) return Bad("it has no SQL");
  request.materialization = Text(job, "materialization");
  if (request.materialization != "full") {
    return Bad("materialization '" + request.materialization + "' is not supported, only 'full'");
  }
  request.run_id = Text(job, "runId");
  if (!IsPlainValue(request.run_id)) return Bad("it has no usable run id");
  request.deadline_ms = Int64(job, "deadlineMs");
  if (request.deadline_ms <= 0) return Bad("it has no deadline");
  request.directory = ReadDirectory(lease);
  if (request.directory.empty()) return Bad("its lease has no folder with an absolute path");
  if (const std::string why = ReadTarget(job, &request); !why.empty()) return Bad(why);
  auto query = OnlyAQuery(request.sql);
  if (!query.ok()) return std::move(query.error());
  request.sql = std::move(query).value();
  ReadParamsAndColumns(job, &request);
  return request;
}

Json MakeSpec(const Request& request) {
  Json spec = {// The host gives each attempt a lease of its own; a job knows of no other.
               {"attempt", 1},
               {"table", request.table},
               {"sql", request.sql},
               {"params", request.params},
               {"materialization", request.materialization},
               {"plan_nodes", spark_sql::AllowedNodes()},
               {"deadline_ms", request.deadline_ms}};
  if (!request.columns.empty()) spec["columns"] = request.columns;
  return spec;
}

}  // namespace

sdk::Outcome<std::string> Submit(const Config& config, std::string_view request_json) {
  auto read = ReadRequest(request_json);
  if (!read.ok()) return std::move(read.error());
  const Request& request = read.value();
  Work work;
  work.run_id = request.run_id;
  work.directory = request.directory;
  work.mounts = request.mounts;
  work.spec = MakeSpec(request);
  work.settings = {
      {"spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"},
      // Iceberg's parser drops bound parameters on Spark 4.1, unless Spark binds them after
      // parsing.
      {"spark.sql.legacy.parameterSubstitution.constantsOnly", "true"}};
  return Dump({{"process", MakeProcess(config, work)}});
}

}  // namespace dcp::spark_runner
