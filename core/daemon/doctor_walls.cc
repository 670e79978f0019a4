// SPDX-License-Identifier: Apache-2.0
#include "daemon/doctor_walls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/redaction.h"
#include "os/file.h"
#include "os/process.h"

namespace dcp::daemon {
namespace {

using Json = nlohmann::json;

/// A confined process tries a few dozen files, which takes milliseconds.
constexpr int64_t kTryMs = 20'000;
/// What it says is a line for each; a pipe holds them all, so that it never waits for a reader.
constexpr size_t kAnswerBytesMax = size_t{60} << 10;
/// A first session on a busy test server takes a few seconds.
constexpr int64_t kQueryMs = 60'000;
constexpr size_t kDetailBytesMax = 200;
constexpr char kRefused[] = "pretzel.refuses.this.FileSystem";

struct Answer {
  os::ExitStatus exit;
  std::string text;
};

Result<Answer> Run(const std::vector<std::string>& argv) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return FromErrno(errno, "cannot make a pipe");
  os::SpawnOptions options;
  options.argv = argv;
  options.stdout_fd = ends[1];
  options.stderr_fd = ends[1];
  options.die_with_parent = true;
  auto process = os::Process::Spawn(options);
  ::close(ends[1]);
  Result<os::ExitStatus> exit =
      process.ok() ? process->Wait(kTryMs) : Result<os::ExitStatus>(process.status());
  if (process.ok() && !exit.ok()) (void)process->KillGroup(SIGKILL);
  std::string text(kAnswerBytesMax, '\0');
  const ssize_t n = exit.ok() ? ::read(ends[0], text.data(), text.size()) : 0;
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  ::close(ends[0]);
  DCP_TRY(exit.status());
  return Answer{*exit, std::move(text)};
}

/// `port`: of a listener that nobody is to reach.
std::vector<std::string> Attempts(const GuardedPlaces& places, const os::Confinement& confinement,
                                  const std::vector<std::string>& own, const std::string& write,
                                  int port) {
  std::vector<std::string> attempts;
  const auto read = [&](const std::string& path) {
    if (std::find(own.begin(), own.end(), path) == own.end()) attempts.push_back("read:" + path);
  };
  const std::string secrets = places.state_dir + "/secrets";
  read(secrets);
  if (const auto names = os::ListDirectory(secrets); names.ok()) {
    for (const std::string& name : *names) read(secrets + "/" + name);
  }
  for (const char* name : {"/pretzel.db", "/token", "/principals.jsonl", "/jobs", "/log"}) {
    read(places.state_dir + name);
  }
  // Nothing is made next to what the daemon trusts, either.
  for (const char* name : {"", "/run", "/secrets", "/jobs", "/log"}) {
    attempts.push_back("write:" + places.state_dir + name);
  }
  attempts.push_back("unix:" + places.api_socket);
  if (!write.empty()) attempts.push_back("write:" + write);
  if (confinement.connect && port > 0) attempts.push_back("tcp:" + std::to_string(port));
  for (const OwnedPort& owned : places.ports) {
    const auto& listed = confinement.listen;
    if (std::find(listed.begin(), listed.end(), owned.port) != listed.end()) continue;
    attempts.push_back("listen:" + std::to_string(owned.port));
  }
  return attempts;
}

std::vector<std::string> WordsOf(int64_t pid) {
  std::vector<std::string> words;
  const auto text =
      os::ReadFile("/proc/" + std::to_string(pid) + "/cmdline", limits::kFileBytesMax);
  if (!text.ok()) return words;
  std::istringstream in(*text);
  for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
  return words;
}

/// The value of the last word that begins with `option`, which is the one that counts.
std::optional<std::string> LastOf(const std::vector<std::string>& words,
                                  const std::string& option) {
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    if (word->rfind(option, 0) == 0) return word->substr(option.size());
  }
  return std::nullopt;
}

/// The last value of a setting in a Spark properties file.
std::string SettingOf(const std::string& text, const std::string& key) {
  std::istringstream in(text);
  std::string value;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    std::string rest;
    if (words >> name >> rest && name == key) value = rest;
  }
  return value;
}

/// What listens on loopback while it lives, and says whether anybody came.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (fd_ >= 0 && ::bind(fd_, generic, size) == 0 && ::listen(fd_, 8) == 0 &&
        ::getsockname(fd_, generic, &size) == 0) {
      port_ = ntohs(address.sin_port);
    }
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    if (fd_ >= 0) ::close(fd_);
  }
  int port() const { return port_; }
  bool Met() const {
    const int met = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (met >= 0) ::close(met);
    return met >= 0;
  }

 private:
  const int fd_;
  int port_ = 0;
};

/// Which of the listed ports of a network of its own a confined process reached; for people.
std::string ListedPorts(const std::vector<std::string>& reached) {
  std::string text;
  for (const std::string& attempt : reached) {
    text += (text.empty() ? "" : ", ") + attempt.substr(sizeof "tcp:" - 1);
  }
  return text.empty() ? "none of its listed ports answers" : "it reached its listed ports: " + text;
}

/// What became of one query, in a few words; `done` when it was not even refused.
std::string Outcome(const Result<std::string>& answer, bool* passed) {
  if (!answer.ok()) return Redact(answer.status().message()).substr(0, kDetailBytesMax);
  const Json json = Json::parse(*answer, nullptr, false);
  *passed = json.is_object() && (json.value("valid", false) || json.contains("process"));
  if (!json.is_object() || !json.contains("findings") || json["findings"].empty())
    return "no error";
  const Json& finding = json["findings"].front();
  return finding.value("code", "") + " " +
         Redact(finding.value("message", "")).substr(0, kDetailBytesMax);
}

}  // namespace

api::DoctorCheck TryConfinement(const GuardedPlaces& places, const std::string& what,
                                const os::Confinement& confinement,
                                const std::vector<std::string>& own, const std::string& write) {
  api::DoctorCheck check{what + ": reach of its process", "process", "FAILED", "", ""};
  auto words = os::ConfineWords(places.confine_program, confinement);
  words.pop_back();  // what would introduce a program
  const Listener listener;
  const std::vector<std::string> attempts =
      Attempts(places, confinement, own, write, listener.port());
  for (const std::string& attempt : attempts) words.insert(words.end(), {"--try", attempt});
  std::set<std::string> listed;  // that a forwarder leads to them is shown as well
  if (confinement.own_network && confinement.connect) {
    for (const int port : *confinement.connect) listed.insert("tcp:" + std::to_string(port));
  }
  for (const std::string& attempt : listed) words.insert(words.end(), {"--try", attempt});
  const auto answer = Run(words);
  check.advice = "do not let others' queries in until this is refused";
  if (!answer.ok() || answer->exit.signal != 0 || answer->exit.code != 0) {
    check.detail = "cannot try it, and nothing can start so confined: " +
                   (answer.ok() ? answer->text : answer.status().message());
    check.advice = "correct its `sandbox`, or a job's `job_sandbox`, in dcpd's configuration";
    return check;
  }
  std::istringstream lines(answer->text);
  std::string open;
  std::string missing;
  std::vector<std::string> reached;
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kPossible = "possible ";
    constexpr std::string_view kSays = "dcp-confine: ";
    if (line.rfind(kPossible, 0) == 0 && listed.contains(line.substr(kPossible.size()))) {
      reached.push_back(line.substr(kPossible.size()));
    } else if (line.rfind(kPossible, 0) == 0) {
      open += (open.empty() ? "" : ", ") + line.substr(kPossible.size());
    }
    if (line.rfind(kSays, 0) == 0) missing += line.substr(kSays.size());
  }
  if (!missing.empty()) {
    check.result = "MISSING";
    check.detail = missing + (open.empty() ? "" : "; so it reached " + open);
    check.advice =
        "a newer kernel keeps such a process in; for a network of its own, let dcpd's user have "
        "the namespaces that are named";
    return check;
  }
  if (open.empty() && listener.Met())
    open = "a listener at port " + std::to_string(listener.port());
  if (!open.empty()) {
    check.detail = "a process that is confined as it is reached " + open;
    return check;
  }
  check.result = "ENFORCED";
  check.advice.clear();
  check.detail = "a process that is confined as it is was refused all of " +
                 std::to_string(attempts.size()) +
                 " attempts: secrets, store, tokens, others' jobs and logs, dcpd's socket, "
                 "listening at the ports of dcpd and of others" +
                 (write.empty() ? "" : ", a write to " + write) +
                 (confinement.connect ? ", a port that is not listed" : "");
  if (!listed.empty()) {
    check.detail += "; in a network of its own " + ListedPorts(reached);
  }
  return check;
}

api::DoctorCheck Unconfined(const std::string& what, const std::string& advice) {
  return {what + ": reach of its process", "process", "MISSING",
          "it may do all that dcpd's user may: read secrets and the store among them", advice};
}

void LookAtProcess(int64_t pid, api::DoctorCheck& check) {
  if (check.result != "ENFORCED") return;
  const auto status =
      os::ReadFile("/proc/" + std::to_string(pid) + "/status", limits::kFileBytesMax);
  const bool filtered = status.ok() && status->find("\nSeccomp:\t2") != std::string::npos &&
                        status->find("\nNoNewPrivs:\t1") != std::string::npos;
  if (filtered) {
    check.detail += "; process " + std::to_string(pid) + " runs with its filter";
    return;
  }
  check.result = "FAILED";
  check.detail = "process " + std::to_string(pid) + " runs without a filter of system calls";
  check.advice = "pretzel service restart, and doctor again";
}

api::DoctorCheck LookAtPorts(const std::vector<OwnedPort>& ports) {
  api::DoctorCheck check{"ports of dcpd and its services", "process", "ENFORCED", "", ""};
  const auto chosen = os::KernelChosenPorts();
  if (!chosen.ok()) {
    check.result = "SKIPPED";
    check.detail = chosen.status().message();
    return check;
  }
  const std::string range = std::to_string(chosen->first) + " to " + std::to_string(chosen->last);
  for (const OwnedPort& owned : ports) {
    // dcpd, and a job's launcher, hold this one for as long as somebody confined lives.
    if (owned.owner == kCatalogPort || !chosen->Holds(owned.port)) continue;
    check.detail +=
        (check.detail.empty() ? "" : ", ") + std::to_string(owned.port) + " (" + owned.owner + ")";
  }
  if (check.detail.empty()) {
    check.detail =
        "none that needs to be free for a restart is among those that the kernel "
        "chooses, " +
        range;
    return check;
  }
  check.result = "MISSING";
  check.detail +=
      ": while nobody listens there, the kernel may choose it for a job that asks for "
      "any port; it chooses from " +
      range;
  check.advice = "in dcpd's configuration, write ports outside of that range";
  return check;
}

bool IsSpark(int64_t pid) {
  const auto words = WordsOf(pid);
  return std::find(words.begin(), words.end(),
                   "org.apache.spark.sql.connect.service.SparkConnectServer") != words.end();
}

api::DoctorCheck LookAtSpark(const std::string& service, int64_t pid) {
  api::DoctorCheck check{"service " + service + ": what XML and Hadoop may load", "engine",
                         "ENFORCED", "", ""};
  const auto words = WordsOf(pid);
  std::string wrong;
  const auto expect = [&](const std::string& name, const std::optional<std::string>& is,
                          const std::string& wanted) {
    if (is != wanted) wrong += (wrong.empty() ? "" : ", ") + name;
  };
  for (const char* property : {"javax.xml.accessExternalDTD", "javax.xml.accessExternalSchema",
                               "javax.xml.accessExternalStylesheet", "http.nonProxyHosts"}) {
    expect(property, LastOf(words, std::string("-D") + property + "="), "");
  }
  for (const char* property : {"http.proxyHost", "https.proxyHost", "ftp.proxyHost"}) {
    expect(property, LastOf(words, std::string("-D") + property + "="), "127.0.0.1");
  }
  std::string file;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--properties-file") file = words[i + 1];
  }
  const auto properties = os::ReadFile(file, limits::kFileBytesMax);
  for (const char* scheme : {"http", "https", "ftp", "hdfs", "webhdfs", "har"}) {
    const std::string key = std::string("spark.hadoop.fs.") + scheme + ".impl";
    expect(key, properties.ok() ? SettingOf(*properties, key) : "", kRefused);
  }
  if (!wrong.empty()) {
    check.result = "MISSING";
    check.detail = "process " + std::to_string(pid) + " was started without " + wrong;
    check.advice = "take them over from stack/spark-defaults/test-server.conf";
    return check;
  }
  check.detail = "looked at, not tried: process " + std::to_string(pid) +
                 " was started with options that forbid external DTDs and schemas and lead Java's "
                 "URLs nowhere, and " +
                 file + " refuses Hadoop's file systems but the local one";
  return check;
}

api::DoctorCheck TryToReachOut(host::Host& host) {
  api::DoctorCheck check{"a query that fetches a URL", "client", "FAILED", "", ""};
  const Listener listener;
  if (listener.port() == 0) {
    check.result = "SKIPPED";
    check.detail = "no port to listen on";
    return check;
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(listener.port()) + "/pretzel-doctor";
  for (const std::string& sql :
       {"SELECT from_xml('<a>1</a>', 'a INT', map('rowValidationXSDPath', '" + url + "')) AS x",
        "SELECT xpath_string('<!DOCTYPE a SYSTEM \"" + url + "\"><a>1</a>', 'a') AS x"}) {
    const Json request = {{"context", {{"runId", "doctor"}}},
                          {"sql", sql},
                          {"mode", "EXPLAIN"},
                          {"mounts", Json::array()},
                          {"lease", {{"directory", "/nonsuch"}}}};
    host::CallOptions options;
    options.deadline = SystemClock().Steady() + kQueryMs;
    bool passed = false;
    const std::string outcome = Outcome(
        host.Call({"test_backend", "", "", "", ""}, "Analyze", request.dump(), options), &passed);
    if (listener.Met()) {
      check.detail = "a query made Spark fetch " + url + ": " + sql;
      check.advice = "let nobody test or run queries until it cannot";
      return check;
    }
    check.detail += (check.detail.empty() ? "" : "; ") + outcome;
    check.result = passed ? "MISSING" : check.result;
  }
  if (check.result == "MISSING") {
    check.detail = "the test backend took a query that names a URL, though nothing was fetched: " +
                   check.detail;
    return check;
  }
  check.result = "ENFORCED";
  check.detail = "tried from_xml and xpath_string with a URL of doctor's; nothing was fetched: " +
                 check.detail;
  return check;
}

}  // namespace dcp::daemon
