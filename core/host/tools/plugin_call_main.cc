// SPDX-License-Identifier: Apache-2.0
//
// dcp-plugin-call [OPTION...] PLUGIN.so [CONFIG.json] < requests.jsonl: calls a plugin in a real
// worker, as dcpd does, for authors and tests.
//
//   {"capability", "method", "request"} a line; for each a line {"response"} or {"error"}
//   DCP_PLUGIN_CALL_DEBUG=1 makes the worker wait for a debugger.
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "host/host.h"
#include "host/manifest.h"

namespace dcp::host {
namespace {

using Json = nlohmann::json;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int64_t kCallTimeoutMs = 60'000;
constexpr char kInstance[] = "plugin";

int Fail(const Status& status) {
  std::cerr << "dcp-plugin-call: " << status.ToString() << "\n";
  return kExitFailed;
}

Json Failure(const Status& status) {
  return {{"error",
           {{"code", CodeName(status.code())},
            {"id", status.id()},
            {"message", status.message()},
            {"hint", status.hint()}}}};
}

Json Answer(Host& host, const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return Failure(InvalidArgument("the line is no JSON object"));
  CallOptions options;
  options.deadline = SystemClock().Steady() + kCallTimeoutMs;
  const auto reply =
      host.Call(kInstance, json.value("capability", "run_backend"), json.value("method", ""),
                json.value("request", Json::object()).dump(), options);
  if (!reply.ok()) return Failure(reply.status());
  return {{"response", Json::parse(*reply, nullptr, false)}};
}

/// A folder that holds the one plugin: a host looks at all files of one.
class OnePlugin {
 public:
  explicit OnePlugin(const std::string& file) {
    std::string path = (std::filesystem::temp_directory_path() / "dcp-plugin-call.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) return;
    folder_ = path;
    std::error_code error;
    std::filesystem::create_symlink(std::filesystem::absolute(file), folder_ / "plugin.so", error);
  }
  OnePlugin(const OnePlugin&) = delete;
  OnePlugin& operator=(const OnePlugin&) = delete;
  ~OnePlugin() {
    std::error_code error;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
  }
  std::string folder() const { return folder_.string(); }

 private:
  std::filesystem::path folder_;
};

namespace options = boost::program_options;

constexpr char kUsage[] =
    "usage: dcp-plugin-call [OPTION...] PLUGIN.so [CONFIG.json] < requests.jsonl\n"
    "a line: {\"capability\": \"run_backend\", \"method\": \"Check\", \"request\": {}}\n\n"
    "The worker is confined as in a daemon; what the plugin needs is granted as under `sandbox:`\n"
    "of an instance in dcpd's configuration";

using Ports = std::vector<uint16_t>;
using Texts = std::vector<std::string>;

options::options_description Flags() {
  options::options_description flags(kUsage);
  flags.add_options()("help,h", "what you read")(
      "read", options::value<Texts>()->value_name("PATH"),
      "a file, or a folder with all below, to be read; may be repeated")(
      "write", options::value<Texts>()->value_name("PATH"), "the same, also to be changed")(
      "network", "IPv4 and IPv6 sockets, to connect")(
      "listen", options::value<Ports>()->value_name("PORT"),
      "with --network: a TCP port to listen on, 0: one that the kernel chooses; may be repeated")(
      "unix-sockets", "connecting to Unix sockets by name")(
      "attributes", "changing modes and times of files")("processes", "starting other programs")(
      "unconfined", "no sandbox: to see whether one is the cause");
  return flags;
}

options::variables_map Parse(int argc, char** argv, const options::options_description& flags) {
  options::options_description all;
  all.add(flags).add_options()("files", options::value<Texts>());
  options::positional_options_description places;
  places.add("files", 2);
  options::variables_map given;
  // No shortened names: what is added later must not change what a script means.
  const int style =
      options::command_line_style::unix_style & ~options::command_line_style::allow_guessing;
  options::store(
      options::command_line_parser(argc, argv).options(all).positional(places).style(style).run(),
      given);
  return given;
}

Texts Absolute(const options::variables_map& given, const char* name) {
  Texts paths;
  if (given.count(name) == 0) return paths;
  for (const std::string& path : given[name].as<Texts>()) {
    paths.push_back(std::filesystem::absolute(path).string());
  }
  return paths;
}

Result<Settings> Arrange(const options::variables_map& given, const std::string& folder) {
  const Texts files = given["files"].as<Texts>();
  auto manifest = ReadManifest(files[0]);
  if (!manifest.ok()) return manifest.status();
  std::string config = "{}";
  if (files.size() == 2) {
    std::ifstream file(files[1]);
    config.assign(std::istreambuf_iterator<char>(file), {});
    if (!file) return NotFound("cannot read " + files[1]);
  }
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  Settings settings;
  settings.directories = {folder};
  settings.worker_program = (self.parent_path() / "dcp-plugin-worker").string();
  InstanceSettings& instance = settings.instances.emplace_back();
  instance.id = kInstance;
  instance.plugin = manifest->id;
  instance.config_json = Secret(config);
  instance.sandboxed = given.count("unconfined") == 0;
  instance.sandbox.network = given.count("network") != 0;
  instance.sandbox.processes = given.count("processes") != 0;
  instance.sandbox.unix_sockets = given.count("unix-sockets") != 0;
  instance.sandbox.attributes = given.count("attributes") != 0;
  instance.sandbox.write = Absolute(given, "write");
  if (given.count("listen") != 0) {
    const auto& ports = given["listen"].as<Ports>();
    instance.sandbox.listen.assign(ports.begin(), ports.end());
  }
  instance.sandbox.read = Absolute(given, "read");
  // Where the link leads.
  instance.sandbox.read.push_back(
      std::filesystem::canonical(files[0], error).parent_path().string());
  instance.wait_for_debugger = std::getenv("DCP_PLUGIN_CALL_DEBUG") != nullptr;
  return settings;
}

int Answers(const options::variables_map& given) {
  const OnePlugin plugin(given["files"].as<Texts>()[0]);
  const auto settings = Arrange(given, plugin.folder());
  if (!settings.ok()) return Fail(settings.status());
  const auto host = Host::Start(*settings);
  if (!host.ok()) return Fail(host.status());
  const InstanceState state = (*host)->States().front();
  if (state.state == "FAILED") return Fail(FailedPrecondition(state.detail));
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) std::cout << Answer(**host, line).dump() << std::endl;
  }
  return 0;
}

int Main(int argc, char** argv) {
  const options::options_description flags = Flags();
  try {
    const options::variables_map given = Parse(argc, argv, flags);
    if (given.count("help") != 0) {
      std::cout << flags;
      return 0;
    }
    if (given.count("files") != 0) return Answers(given);
    std::cerr << flags;
  } catch (const options::error& wrong) {
    std::cerr << "dcp-plugin-call: " << wrong.what() << "; see --help\n";
  }
  return kExitUsage;
}

}  // namespace
}  // namespace dcp::host

int main(int argc, char** argv) { return dcp::host::Main(argc, argv); }
