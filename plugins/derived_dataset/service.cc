// SPDX-License-Identifier: Apache-2.0
//
// See service.h.
#include "service.h"

#include <exception>

#include "collect.h"
#include "command.h"

namespace dcp::derived_dataset {
namespace {

Answer Fail(Answer::Code code, std::string message, std::string hint = {}) {
  return {"", std::move(message), std::move(hint), code};
}

Answer Reply(const Json& body) {
  // A message may quote half a character of what a person wrote: replace it rather than fail.
  return {body.dump(-1, ' ', false, Json::error_handler_t::replace), "", "", Answer::Code::kOk};
}

Json Describe() {
  return {{"kinds", {"DerivedDataset"}},
          {"commands", {"apply", "test", "preview", "run", "outline"}}};
}

/// Reads a list of contract Files; an error text when one is not right.
std::string ReadFiles(const Json& list, const char* what, std::vector<Source>& out) {
  if (list.is_null()) return "";
  if (!list.is_array()) return std::string(what) + " must be a list";
  for (const Json& json : list) {
    std::optional<std::string> content = FromBase64(TextOf(json, "content"));
    std::string path = TextOf(json, "path");
    if (!content || path.empty())
      return std::string(what) + " must hold a path and content in base64";
    out.push_back({std::move(path), std::move(*content)});
  }
  return "";
}

struct ParsedOptions {
  Options options;
  std::map<std::string, std::string> params;
  std::string error;
};

const char* const kOptions = "mode, plan, recreate, preview, rows, timeoutMs, params";

/// A whole number between 1 and `max`; 0 when it is none.
int64_t NumberIn(const Json& value, int64_t max) {
  if (!value.is_number()) return 0;
  const double number = value.get<double>();
  if (!(number >= 1) || number > static_cast<double>(max)) return 0;
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? whole : 0;
}

std::string ReadOption(const std::string& key, const Json& value, ParsedOptions& out) {
  Options& options = out.options;
  const std::string wrong_type = "option " + key + " has a value of the wrong type";
  if (key == "mode") {
    const std::string mode = value.is_string() ? value.get<std::string>() : "?";
    options.mode = mode == "schema" ? "SCHEMA" : mode == "limit0" ? "LIMIT0" : "EXPLAIN";
    const bool known = mode.empty() || mode == "schema" || mode == "explain" || mode == "limit0";
    return known ? "" : "option mode must be \"schema\", \"explain\" or \"limit0\"";
  }
  if (key == "plan" || key == "recreate" || key == "preview") {
    if (!value.is_boolean()) return wrong_type;
    bool& flag = key == "plan"       ? options.plan
                 : key == "recreate" ? options.recreate
                                     : options.preview;
    flag = value.get<bool>();
    return "";
  }
  if (key == "rows" || key == "timeoutMs") {
    const int64_t max = key == "rows" ? kPreviewRowsMax : kPreviewTimeoutMsMax;
    const int64_t number = NumberIn(value, max);
    (key == "rows" ? options.rows : options.timeout_ms) = number;
    return number > 0
               ? ""
               : "option " + key + " must be a whole number from 1 to " + std::to_string(max);
  }
  if (key != "params") return "unknown option `" + key + "`; known: " + kOptions;
  if (!value.is_object()) return wrong_type;
  for (const auto& [name, given] : value.items()) {
    out.params[name] = given.is_string() ? given.get<std::string>() : given.dump();
  }
  return "";
}

ParsedOptions ReadOptions(const Json& json) {
  ParsedOptions out;
  if (json.is_null()) return out;
  if (!json.is_object()) return {{}, {}, "options must be an object"};
  for (const auto& [key, value] : json.items()) {
    std::string error = ReadOption(key, value, out);
    if (!error.empty()) out.error = std::move(error);
  }
  return out;
}

Json WrongManifests(const std::string& command, Findings& findings) {
  std::string kind = command == "apply"     ? "ApplyReport"
                     : command == "test"    ? "TestReport"
                     : command == "preview" ? "PreviewReport"
                                            : "RunReport";
  return ReportResponse(kind, "FAILED", findings, {{"datasets", Json::array()}});
}

/// Which manifests belong together. Part of Compile, as a command that makes no graph.
Answer Outlined(const std::vector<Source>& manifests, const std::vector<Source>& files,
                const std::string& catalog) {
  const Outline outline = OutlineOf(manifests, files, catalog);
  if (!outline.needs_files.empty())
    return Reply({{"needsFiles", {{"paths", outline.needs_files}}}});
  Json datasets = Json::array();
  for (const OutlinedDataset& dataset : outline.datasets) {
    datasets.push_back({{"path", dataset.path},
                        {"name", dataset.name},
                        {"reads", dataset.reads},
                        {"params", dataset.params},
                        {"sqlFile", dataset.sql_file}});
  }
  return Reply({{"report", {{"kind", "Outline"}, {"body", {{"datasets", std::move(datasets)}}}}}});
}

/// Warnings about the manifests must reach the report, which a later call writes.
Answer Compile(const Json& request) {
  std::string command = TextOf(request, "command");
  if (command != "apply" && command != "test" && command != "preview" && command != "run" &&
      command != "outline") {
    return Fail(Answer::Code::kInvalidArgument,
                "kind DerivedDataset knows no command `" + command + "`",
                "commands: apply, test, preview, run, outline");
  }
  std::string catalog = TextOf(Member(request, "context"), "catalog");
  if (catalog.empty())
    return Fail(Answer::Code::kInvalidArgument, "the request's context names no catalog");
  ParsedOptions options = ReadOptions(Member(request, "options"));
  if (!options.error.empty()) return Fail(Answer::Code::kInvalidArgument, options.error);
  std::vector<Source> manifests;
  std::vector<Source> files;
  std::string error = ReadFiles(Member(request, "manifests"), "manifests", manifests);
  if (error.empty()) error = ReadFiles(Member(request, "files"), "files", files);
  if (!error.empty()) return Fail(Answer::Code::kInvalidArgument, error);
  if (manifests.size() > kManifestsMax) {
    return Fail(Answer::Code::kInvalidArgument,
                std::to_string(manifests.size()) + " manifests in one run; at most " +
                    std::to_string(kManifestsMax) + " are taken",
                "name fewer files");
  }
  if (command == "outline") return Outlined(manifests, files, catalog);

  Findings findings;
  Collected collected = Collect(manifests, files, catalog, options.params, findings);
  if (!collected.needs_files.empty())
    return Reply({{"needsFiles", {{"paths", collected.needs_files}}}});
  if (findings.errors() == 0 && collected.datasets.size() > kManifestsMax) {
    findings.Error(kNoManifest, {},
                   std::to_string(collected.datasets.size()) + " datasets in one run; at most " +
                       std::to_string(kManifestsMax) + " are taken",
                   "name fewer manifests");
  }
  if (findings.errors() > 0) return Reply(WrongManifests(command, findings));
  State state;
  state.command = command;
  state.options = options.options;
  state.datasets = std::move(collected.datasets);
  state.warnings = findings.list();
  if (command == "test" || command == "preview") return Reply(CompileTest(std::move(state)));
  if (command == "run") return Reply(CompileRun(std::move(state)));
  Json graph = CompileApply(std::move(state), findings);
  return Reply(findings.errors() > 0 ? WrongManifests(command, findings) : graph);
}

Answer Continue(const Json& request) {
  const Json& json = Member(request, "state");
  if (!json.is_object()) return Fail(Answer::Code::kInvalidArgument, "the request holds no state");
  State state = StateFromJson(json);
  Outputs outputs(Member(request, "outputs"));
  if (state.command == "apply") return Reply(ContinueApply(std::move(state), outputs));
  if (state.command == "test" || state.command == "preview")
    return Reply(ContinueTest(state, outputs));
  if (state.command == "run") return Reply(ContinueRun(std::move(state), outputs));
  return Fail(Answer::Code::kInvalidArgument, "the state is of no command that is known");
}

}  // namespace

Answer Handle(std::string_view method, std::string_view request) {
  if (request.size() > kRequestBytesMax) {
    return Fail(Answer::Code::kInvalidArgument,
                "a request of more than " + std::to_string(kRequestBytesMax) + " bytes");
  }
  try {
    Json json = request.empty() ? Json::object() : Json::parse(request, nullptr, false);
    if (!json.is_object())
      return Fail(Answer::Code::kInvalidArgument, "the request is not a JSON object");
    if (method == "Describe") return Reply(Describe());
    if (method == "Compile") return Compile(json);
    if (method == "Continue") return Continue(json);
    return Fail(Answer::Code::kUnimplemented, "unknown method `" + std::string(method) + "`",
                "methods: Describe, Compile, Continue");
  } catch (const Json::exception& e) {  // a value of another type than the contract says
    return Fail(Answer::Code::kInvalidArgument,
                std::string("the request does not follow the contract: ") + e.what());
  } catch (const std::exception& e) {
    return Fail(Answer::Code::kInternal,
                std::string("cannot handle ") + std::string(method) + ": " + e.what());
  }
}

}  // namespace dcp::derived_dataset
