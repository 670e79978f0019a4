// SPDX-License-Identifier: Apache-2.0
//
// dcp-plugin-check: says whether a plugin keeps to the ABI. Reads its arguments, runs the checks,
// writes the reports.
#include <gnu/libc-version.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include "base/limits.h"
#include "host/manifest.h"
#include "os/file.h"
#include "plugin_check/report.h"
#include "plugin_check/session.h"
#include "plugin_check/worker_checks.h"
#include "schema/outline.h"

namespace dcp::plugin_check {
namespace {

namespace po = boost::program_options;

constexpr int kExitPassed = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

struct Arguments {
  std::string plugin;
  std::string config_file;
  std::vector<std::string> calls;
  std::string json_file;
  std::string junit_file;
  double timeout = 0;
  int64_t seed = -1;
  SessionOptions session;
};

std::string OwnProgram() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  return {path.data(), size > 0 ? static_cast<size_t>(size) : 0};
}

int Usage(const std::string& why) {
  std::cerr << "dcp-plugin-check: " << why << " (see dcp-plugin-check --help)\n";
  return kExitUsage;
}

po::options_description Describe(Arguments& arguments) {
  SessionOptions& session = arguments.session;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  po::options_description options("options");
  options.add_options()("config", po::value(&arguments.config_file)->value_name("FILE"),
                        "the plugin's configuration, JSON; {} without it")(
      "call", po::value(&arguments.calls)->value_name("METHOD=FILE"),
      "a request in JSON, for a method or capability.method; may stand more than once. Methods "
      "without one get an empty message")("include",
                                          po::value(&session.include)->value_name("REGEX"),
                                          "only checks whose name matches")(
      "exclude", po::value(&session.exclude)->value_name("REGEX"), "no checks whose name matches")(
      "level", po::value(&session.level)->value_name("N")->default_value(kLevelDefault),
      "1: can it be used at all; 2: the ABI's rules; 3: advice too")(
      "seed", po::value(&arguments.seed)->value_name("N"),
      "for what is random; the seed of a run is printed")(
      "timeout", po::value(&arguments.timeout)->value_name("SECONDS")->default_value(30, "30"),
      "for one check; a check that takes longer has failed")(
      "jobs", po::value(&session.jobs)->value_name("N")->default_value(cores), "checks at once")(
      "glibc", po::value(&session.glibc)->value_name("X.Y"),
      "the oldest C library that has to do; this machine's without it")(
      "json", po::value(&arguments.json_file)->value_name("FILE"), "write the results as JSON")(
      "junit", po::value(&arguments.junit_file)->value_name("FILE"), "write them as JUnit's XML")(
      "in-process",
      "run the chosen checks of groups B to F one after the other in this process, for "
      "a debugger")("describe",
                    "print what its configuration may hold, from the schema in its "
                    "manifest; nothing of it runs")(
      "list", "print every check with its level and what it expects")(
      "list-page", "the same as a page of Markdown")("help,h", "this text");
  return options;
}

void PrintHelp(const po::options_description& options) {
  std::cout
      << "dcp-plugin-check - says whether a plugin keeps to the plugin ABI\n\n"
         "usage: dcp-plugin-check PLUGIN.so [--config FILE] [--call METHOD=FILE]...\n"
         "       dcp-plugin-check --describe PLUGIN.so\n"
         "       dcp-plugin-check --list\n\n"
      << options
      << "\nexamples:\n"
         "  dcp-plugin-check my.so --config my.json\n"
         "  dcp-plugin-check my.so --call Analyze=request.json --junit results.xml\n"
         "  gdb --args dcp-plugin-check my.so --in-process --include request-fuzz --seed 7\n\n"
         "Each check runs in a process of its own. What was waived or not run is shown and "
         "counted apart.\n"
         "exit codes: 0 all passed, 1 a check failed, 2 usage\n";
}

Status ReadCalls(const Arguments& arguments, SessionOptions& session) {
  for (const std::string& text : arguments.calls) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("--call " + text + " is not METHOD=FILE");
    }
    DCP_ASSIGN(
        const std::string json,
        os::ReadFile(text.substr(equals + 1), limits::kMessageBytesMax).With("--call " + text));
    session.calls.push_back({text.substr(0, equals), json});
  }
  return Status::Ok();
}

/// From what stands on the command line to what a session needs.
Status Complete(Arguments& arguments) {
  SessionOptions& session = arguments.session;
  session.own_program = OwnProgram();
  const std::string folder = std::filesystem::path(session.own_program).parent_path().string();
  session.probe_program = folder + "/dcp-plugin-probe";
  session.worker_program = folder + "/dcp-plugin-worker";
  // An absolute path: the loader would search a bare name in the folders of libraries.
  std::error_code error;
  session.plugin = std::filesystem::absolute(arguments.plugin, error).string();
  if (error) return InvalidArgument(arguments.plugin + ": " + error.message());
  if (!os::Exists(session.plugin)) return NotFound(arguments.plugin + " is not there");
  if (session.level < 1 || session.level > kLevelMax)
    return InvalidArgument("--level is 1, 2 or 3");
  if (session.jobs < 1 || session.jobs > 64) return InvalidArgument("--jobs is 1 to 64");
  if (arguments.timeout < 0.1 || arguments.timeout > 3600) {
    return InvalidArgument("--timeout is 0.1 to 3600 seconds");
  }
  session.timeout_ms = static_cast<int64_t>(arguments.timeout * 1000);
  session.seed = arguments.seed >= 0 ? static_cast<uint64_t>(arguments.seed)
                                     : std::random_device()() % 1'000'000;
  if (session.glibc.empty()) session.glibc = gnu_get_libc_version();
  if (!arguments.config_file.empty()) {
    DCP_ASSIGN(session.config,
               os::ReadFile(arguments.config_file, limits::kFileBytesMax).With("--config"));
  }
  return ReadCalls(arguments, session);
}

Status WriteReports(const Arguments& arguments, const std::vector<CheckResult>& results,
                    const RunFacts& facts) {
  constexpr int kMode = 0644;  // for other programs to read
  if (!arguments.json_file.empty()) {
    DCP_TRY(os::WriteFileAtomic(arguments.json_file, Json(results, facts), kMode).With("--json"));
  }
  if (!arguments.junit_file.empty()) {
    DCP_TRY(
        os::WriteFileAtomic(arguments.junit_file, JUnit(results, facts), kMode).With("--junit"));
  }
  return Status::Ok();
}

int Run(Arguments& arguments, bool in_process) {
  if (const Status status = Complete(arguments); !status.ok()) return Usage(status.ToString());
  const Result<Session> session = Session::Open(arguments.session);
  if (!session.ok()) return Usage(session.status().ToString());
  RunFacts facts{arguments.plugin, "", "", arguments.session.level, arguments.session.seed};
  if (session->facts().manifest.ok()) {
    facts.id = session->facts().manifest->id;
    facts.version = session->facts().manifest->version;
  }
  std::cout << HeadText(facts, session->chosen().size()) << std::flush;
  if (in_process) return Usage(session->BecomeProbe().ToString());
  const std::vector<CheckResult> results = session->Run(
      [](const CheckResult& result) { std::cout << ResultText(result) << std::flush; });
  std::cout << SummaryText(results, facts) << std::flush;
  if (const Status status = WriteReports(arguments, results, facts); !status.ok()) {
    return Usage(status.ToString());
  }
  return CountOf(results).failed == 0 ? kExitPassed : kExitFailed;
}

int DescribeConfig(const std::string& plugin) {
  const auto manifest = host::ReadManifest(plugin);
  if (!manifest.ok()) return Usage(manifest.status().ToString());
  std::cout << schema::Outline(manifest->id, manifest->version, manifest->config_schema);
  return kExitPassed;
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc == 2 && std::string(argv[1]) == kIsolatedArgument) return RunIsolated(OwnProgram());
  Arguments arguments;
  const po::options_description shown = Describe(arguments);
  po::options_description all;
  all.add(shown).add_options()("plugin", po::value(&arguments.plugin));
  po::positional_options_description words;
  words.add("plugin", 1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(words).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    return Usage(error.what());
  }
  if (values.count("help") != 0) {
    PrintHelp(shown);
    return kExitPassed;
  }
  if (values.count("list") != 0 || values.count("list-page") != 0) {
    std::cout << (values.count("list") != 0 ? ListText() : ListPage());
    return kExitPassed;
  }
  if (arguments.plugin.empty()) return Usage("the path of a plugin is needed");
  if (values.count("describe") != 0) return DescribeConfig(arguments.plugin);
  return Run(arguments, values.count("in-process") != 0);
}

}  // namespace
}  // namespace dcp::plugin_check

int main(int argc, char** argv) { return dcp::plugin_check::Main(argc, argv); }
