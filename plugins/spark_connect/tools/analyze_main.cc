// SPDX-License-Identifier: Apache-2.0
//
// spark_connect_analyze: analyses without daemon and plugin host, for tests and benches.
//
//   spark_connect_analyze CONFIG.json [schema|explain] < query.sql
//       one query; the response as JSON
//   spark_connect_analyze CONFIG.json lines [THREADS] < requests.jsonl
//       one AnalyzeRequest a line, or a PreviewRequest (which has "rowsMax"); for each a line
//       {"response"|"error", "us", "line"}. With more than one thread, answers come in the order in
//       which they are ready.
//   spark_connect_analyze rows ROWS BYTES < streams.json
//       Arrow IPC streams in base64, a line each; for each a line with the PreviewResponse's rows
//
// The configuration is a file, because it may hold a token. SIGINT cancels what is under way and
// nothing else: with `lines`, the next line is read.
#include <dcp/contract/v1/test_backend.pb.h>
#include <google/protobuf/util/json_util.h>
#include <pthread.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "analyzer.h"
#include "arrow_rows.h"
#include "settings.h"

namespace {

namespace v1 = ::dcp::contract::v1;
using dcp::spark_connect::Analyzer;
using dcp::spark_connect::CallScope;
using dcp::spark_connect::Settings;
using nlohmann::json;

constexpr int kExitUsage = 2;
/// As many as one plugin instance runs at once, and some to wait for each other.
constexpr int kThreadsMax = 16;

// Calls that SIGINT ends. Its thread waits for the signal, so no handler has to take a lock.
class Interrupts {
 public:
  Interrupts() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGUSR1);  // ends the thread
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    waiter_ = std::thread([this] { Wait(); });
  }
  ~Interrupts() {
    pthread_kill(waiter_.native_handle(), SIGUSR1);
    waiter_.join();
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  void Add(CallScope& scope) {
    const std::lock_guard lock(mutex_);
    scopes_.insert(&scope);
  }
  void Remove(CallScope& scope) {
    const std::lock_guard lock(mutex_);
    scopes_.erase(&scope);
  }

 private:
  void Wait() {
    int signal = 0;
    while (sigwait(&signals_, &signal) == 0 && signal == SIGINT) {
      const std::lock_guard lock(mutex_);
      for (CallScope* scope : scopes_) scope->Cancel();
    }
  }

  sigset_t signals_{};
  std::mutex mutex_;
  std::set<CallScope*> scopes_;
  std::thread waiter_;
};

json ToJson(const google::protobuf::Message& message) {
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(message, &text);
  return json::parse(text, nullptr, false);
}

template <typename Request, typename Response>
json Ask(Analyzer& analyzer, const Settings& settings, Interrupts& interrupts,
         const Request& request, Response response,
         dcp::sdk::Outcome<bool> (Analyzer::*ask)(const Request&, CallScope&,
                                                  const Analyzer::Progress&, Response*)) {
  CallScope scope(settings.default_timeout_ms);
  interrupts.Add(scope);
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = (analyzer.*ask)(
      request, scope, [](const std::string&) {}, &response);
  const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  interrupts.Remove(scope);
  json out = {{"us", spent.count()}};
  if (!outcome.ok()) {
    const auto& error = outcome.error();
    out["error"] = {
        {"code", error.code}, {"id", error.id}, {"message", error.message}, {"hint", error.hint}};
    return out;
  }
  out["response"] = ToJson(response);
  return out;
}

json Analyze(Analyzer& analyzer, const Settings& settings, Interrupts& interrupts,
             const v1::AnalyzeRequest& request) {
  return Ask(analyzer, settings, interrupts, request, v1::AnalyzeResponse(), &Analyzer::Analyze);
}

// Reads lines and answers them, until there are none.
class Lines {
 public:
  Lines(Analyzer& analyzer, const Settings& settings, Interrupts& interrupts)
      : analyzer_(analyzer), settings_(settings), interrupts_(interrupts) {}

  int Run(int threads) {
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([this] { Work(); });
    Work();
    for (std::thread& other : others) other.join();
    return exit_;
  }

 private:
  void Work() {
    for (;;) {
      std::string line;
      int number = 0;
      {
        const std::lock_guard lock(in_);
        if (!std::getline(std::cin, line)) return;
        number = ++number_;
      }
      json answer = AnswerTo(line);
      const std::lock_guard lock(out_);
      if (answer.is_null()) {
        std::cerr << "spark_connect_analyze: line " << number << " is not a request\n";
        exit_ = kExitUsage;
        return;
      }
      answer["line"] = number;
      std::cout << answer.dump() << std::endl;
    }
  }

  // Null for a line that is none.
  json AnswerTo(const std::string& line) {
    if (json::parse(line, nullptr, false).contains("rowsMax")) {
      v1::PreviewRequest request;
      if (!google::protobuf::util::JsonStringToMessage(line, &request).ok()) return nullptr;
      return Ask(analyzer_, settings_, interrupts_, request, v1::PreviewResponse(),
                 &Analyzer::Preview);
    }
    v1::AnalyzeRequest request;
    if (!google::protobuf::util::JsonStringToMessage(line, &request).ok()) return nullptr;
    return Analyze(analyzer_, settings_, interrupts_, request);
  }

  Analyzer& analyzer_;
  const Settings& settings_;
  Interrupts& interrupts_;
  std::mutex in_;
  int number_ = 0;  // guarded by in_
  std::mutex out_;
  int exit_ = 0;  // guarded by out_
};

// A line's bytes by way of protobuf, which has base64 for its own JSON.
std::string FromBase64(const std::string& text) {
  v1::File file;
  const std::string message = json{{"content", text}}.dump();
  return google::protobuf::util::JsonStringToMessage(message, &file).ok() ? file.content() : "";
}

int Rows(int64_t rows, int64_t bytes) {
  std::string line;
  while (std::getline(std::cin, line)) {
    v1::PreviewResponse response;
    dcp::spark_connect::RowReader reader({}, {rows, bytes}, &response);
    const std::string wrong = reader.Take(FromBase64(line));
    json answer = ToJson(response);
    if (!wrong.empty()) answer["wrong"] = wrong;
    std::cout << answer.dump() << std::endl;
  }
  return 0;
}

int ParseThreads(std::string_view text) {
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  const bool good = error == std::errc() && end == text.data() + text.size();
  return good && threads >= 1 && threads <= kThreadsMax ? threads : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "rows") {
    return Rows(std::atoll(argv[2]), std::atoll(argv[3]));
  }
  const std::string mode = argc > 2 ? argv[2] : "schema";
  const int threads = argc > 3 ? ParseThreads(argv[3]) : 1;
  if (argc < 2 || argc > 4 || threads == 0 || (argc > 3 && mode != "lines") ||
      (mode != "schema" && mode != "explain" && mode != "lines")) {
    std::cerr << "usage: spark_connect_analyze CONFIG.json [schema|explain|lines [THREADS]] "
                 "< input\n       spark_connect_analyze rows ROWS BYTES < input\n";
    return kExitUsage;
  }
  std::ifstream file(argv[1]);
  if (!file) {
    std::cerr << "spark_connect_analyze: cannot read " << argv[1] << '\n';
    return kExitUsage;
  }
  const std::string config{std::istreambuf_iterator<char>(file), {}};
  const auto settings = dcp::spark_connect::ParseSettings(config);
  if (!settings.ok()) {
    std::cerr << settings.error().message << '\n' << settings.error().hint << '\n';
    return kExitUsage;
  }
  Interrupts interrupts;  // first: threads that gRPC starts inherit the blocked signals
  Analyzer analyzer(settings.value());
  if (mode == "lines") return Lines(analyzer, settings.value(), interrupts).Run(threads);
  v1::AnalyzeRequest request;
  request.set_sql(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  request.set_mode(mode == "explain" ? v1::EXPLAIN : v1::SCHEMA);
  const json answer = Analyze(analyzer, settings.value(), interrupts, request);
  std::cout << answer.dump(2) << '\n';
  return answer.contains("response") && answer["response"].value("valid", false) ? 0 : 1;
}
