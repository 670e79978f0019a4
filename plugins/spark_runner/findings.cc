// SPDX-License-Identifier: Apache-2.0
//
// Two tables: one by error class or SQLSTATE, one by what stands in the end of stderr. The first
// rule that matches wins, so the specific ones stand first.
#include "findings.h"

#include <array>

namespace dcp::spark_runner {
namespace {

/// The end of stderr that goes into a message: the cause of a Java stack trace.
constexpr size_t kTailLinesMax = 8;
constexpr size_t kTailBytesMax = 2'000;

struct Rule {
  std::string_view pattern;
  std::string_view code;
  bool retryable;
  std::string_view hint;
};

constexpr std::string_view kMemoryHint =
    "raise driverMemory in the spark_runner configuration, or let the query hold less at once";
constexpr std::string_view kCatalogHint =
    "the playground's catalog did not answer; see `pretzel doctor`, then run again";
constexpr std::string_view kConfinedHint =
    "a job is confined; for the operator: `runs.sandbox`, and the instance's `job_sandbox`, list "
    "what it may read, write, `connect` to and `listen` at";
constexpr std::string_view kJavaHint =
    "install a Java 17 runtime, or set javaHome in the spark_runner configuration";

// Matched against the whole error class, or its end after a '.'.
constexpr auto kByClass = std::to_array<Rule>({
    {"COREETL_SCHEMA_MISMATCH", "PZ0402", false,
     "change the query or the declared columns so that they fit, then apply and run again"},
    {"COREETL_TABLE_DRIFT", "PZ0402", false, "apply the manifest, then run again"},
    {"COREETL_PLAN_NODE", "PZ0415", false, "read tables of the catalog, with built-in functions"},
    {"COREETL_PARAMETER", "PZ0403", false, "correct the parameter in the manifest"},
    {"COREETL_DEADLINE", "PZ0405", true, kCatalogHint},
    {"COREETL_NO_SNAPSHOT", "PZ0412", true,
     "another writer replaced the table's history; run again when it is done"},
    {"COREETL_SPEC", "PZ0414", false,
     "the plugin and coreetl.py do not fit each other; install both from one release"},
    {"ForbiddenException", "PZ0404", false,
     "a job writes to its own playground only; see `pretzel doctor`"},
    {"NotAuthorizedException", "PZ0404", false,
     "the playground or its token has expired; extend the playground, then run again"},
    {"CommitFailedException", "PZ0412", true, "another job wrote the same table; run again"},
    {"ValidationException", "PZ0412", true, "another job wrote the same table; run again"},
    {"ServiceUnavailableException", "PZ0405", true, kCatalogHint},
    {"RESTException", "PZ0405", true, kCatalogHint},
    {"ConnectException", "PZ0405", true, kCatalogHint},
    {"SocketException", "PZ0405", true, kCatalogHint},
    {"SocketTimeoutException", "PZ0405", true, kCatalogHint},
    {"CommitStateUnknownException", "PZ0405", true, kCatalogHint},
    {"OutOfMemoryError", "PZ0406", false, kMemoryHint},
    {"Py4JNetworkError", "PZ0408", true, "the Java side ended; the job's log says why"},
    {"Py4JJavaError", "PZ0408", false, "the job's log has the whole trace"},
});

// Matched against the beginning of the SQLSTATE.
constexpr auto kBySqlState = std::to_array<Rule>({
    {"22", "PZ0411", false,
     "a value does not fit an operation of the query; use try_cast, try_divide or a filter"},
    {"42", "PZ0401", false, "test the manifest: it shows the place in the query"},
    {"0A", "PZ0401", false, "the query uses what this Spark does not support"},
});

// Matched anywhere in the end of stderr.
constexpr auto kByTail = std::to_array<Rule>({
    {"java.lang.OutOfMemoryError", "PZ0406", false, kMemoryHint},
    {"There is insufficient memory for the Java Runtime", "PZ0406", true,
     "the machine is out of memory; lower driverMemory, or run fewer jobs at once"},
    {"No space left on device", "PZ0413", true, "free space on the disk of the jobs' folder"},
    {"UnsupportedClassVersionError", "PZ0407", false, kJavaHint},
    {"JAVA_HOME is not set", "PZ0407", false, kJavaHint},
    {"java: command not found", "PZ0407", false, kJavaHint},
    {"java: No such file or directory", "PZ0407", false, kJavaHint},
    {"No module named 'pyspark'", "PZ0407", false,
     "`python` in the spark_runner configuration must be one that can import pyspark"},
    {"org.apache.iceberg.spark", "PZ0407", false,
     "`jars` in the spark_runner configuration must name Iceberg's runtime for this Spark"},
    {"the sandbox cannot allow ", "PZ0407", false,
     "for the operator: correct that path, or remove it, in `runs.sandbox` or the instance's "
     "`job_sandbox` in dcpd's configuration"},
    {"cannot start ", "PZ0407", false,
     "for the operator: check the paths in the spark_runner configuration, and whether "
     "`runs.sandbox.read` or the instance's `job_sandbox.read` lists them: a job reads nothing "
     "else"},
    {"Cannot find catalog plugin class", "PZ0408", false,
     "for the operator: `jars` in the spark_runner configuration must name Iceberg's runtime for "
     "this Spark, and `runs.sandbox.read` or the instance's `job_sandbox.read` must list it"},
    {"BindException", "PZ0407", true, "a port that Spark asked for was taken; run again"},
    {"java.net.ConnectException", "PZ0405", true, kCatalogHint},
});

bool EndsWithClass(std::string_view text, std::string_view name) {
  if (!text.ends_with(name)) return false;
  text.remove_suffix(name.size());
  return text.empty() || text.back() == '.' || text.back() == '$';
}

Failure Make(const Rule& rule, std::string message) {
  return {std::string(rule.code), std::move(message), std::string(rule.hint), "", "",
          rule.retryable};
}

/// The last lines that say something, without the frames of a stack trace.
std::string LastWords(std::string_view text) {
  std::string words;
  size_t lines = 0;
  while (!text.empty() && lines < kTailLinesMax) {
    const size_t start = text.find_last_of('\n');
    std::string_view line = start == text.npos ? text : text.substr(start + 1);
    text = start == text.npos ? std::string_view() : text.substr(0, start);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    const bool frame = line.starts_with("\tat ") || line.starts_with("\t... ");
    if (line.empty() || frame) continue;
    if (words.size() + line.size() > kTailBytesMax) break;
    words = std::string(line) + (words.empty() ? "" : "\n") + words;
    ++lines;
  }
  return words;
}

/// What to do when nothing else is known than that the system refused something.
std::string HintOf(std::string_view text) {
  const bool refused = text.find("Permission denied") != text.npos ||
                       text.find("Operation not permitted") != text.npos;
  return std::string(refused ? kConfinedHint : "the job's log has more");
}

}  // namespace

Failure ExplainError(const std::string& error_class, const std::string& message,
                     const std::string& sql_state) {
  const std::string text = message.empty() ? "the job failed with " + error_class : message;
  Failure failure = {"PZ0408", text, HintOf(text), "", "", false};
  const Rule* found = nullptr;
  for (const Rule& rule : kByClass) {
    if (found == nullptr && EndsWithClass(error_class, rule.pattern)) found = &rule;
  }
  for (const Rule& rule : kBySqlState) {
    if (found == nullptr && sql_state.starts_with(rule.pattern)) found = &rule;
  }
  // An exception of the executor's arrives as text inside another one.
  for (const Rule& rule : kByTail) {
    if (found == nullptr && sql_state.empty() && text.find(rule.pattern) != text.npos &&
        rule.code != "PZ0407") {
      found = &rule;
    }
  }
  if (found != nullptr) failure = Make(*found, text);
  failure.engine_code = error_class;
  failure.sql_state = sql_state;
  return failure;
}

Failure ExplainEnd(int exit_code, int signal, std::string_view stderr_tail) {
  const std::string end =
      signal != 0 ? "signal " + std::to_string(signal) : "exit code " + std::to_string(exit_code);
  const std::string words = LastWords(stderr_tail);
  const std::string message =
      "the job's process ended with " + end + " and left no result" +
      (words.empty() ? "; it logged nothing" : "; its last words:\n" + words);
  for (const Rule& rule : kByTail) {
    if (stderr_tail.find(rule.pattern) != stderr_tail.npos) return Make(rule, message);
  }
  // 128 + 9: a shell between us and the JVM passed the signal on as an exit code.
  if (signal == 9 || exit_code == 137) {
    return {"PZ0406",
            message,
            "most often the system ended it for lack of memory (see the kernel's log); lower "
            "driverMemory, or run fewer jobs at once",
            "",
            "",
            true};
  }
  if (signal == 15 || exit_code == 143) return ExplainStopped();
  return {"PZ0408", message, HintOf(stderr_tail), "", "", signal != 0};
}

Failure ExplainLost() {
  return {"PZ0409",
          "the job's process is gone and left neither a result nor an exit status: the machine "
          "went down, or its launcher was killed",
          "run again: what it has committed is found by its run id, and nothing is written twice",
          "",
          "",
          true};
}

Failure ExplainStopped() {
  return {"PZ0410", "the job was told to stop, and not by us", "run again", "", "", true};
}

Failure ExplainEnding(const ProcessState& process) {
  const std::string state = Text(process.result, "state");
  if (state == "FAILED") {
    const Json& error = Child(process.result, "error");
    return ExplainError(Text(error, "class"), Text(error, "message"), Text(error, "sql_state"));
  }
  if (state == "CANCELLED") return ExplainStopped();
  if (process.phase == Phase::kLost) return ExplainLost();
  Failure failure = ExplainEnd(process.exit_code, process.signal, process.stderr_tail);
  if (process.result_damaged || !state.empty()) {
    failure.code = "PZ0414";
    failure.message = "the job left a result that cannot be read; " + failure.message;
  }
  return failure;
}

}  // namespace dcp::spark_runner
