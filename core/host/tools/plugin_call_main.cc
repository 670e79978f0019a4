// SPDX-License-Identifier: Apache-2.0
//
// dcp-plugin-call PLUGIN.so [CONFIG.json] < requests.jsonl: calls a plugin in a real worker, as
// dcpd does, for authors and tests.
//
//   {"capability", "method", "request"} a line; for each a line {"response"} or {"error"}
//   DCP_PLUGIN_CALL_DEBUG=1 makes the worker wait for a debugger.
#include <unistd.h>

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

int Main(int argc, char** argv) {
  if (argc < 2 || argc > 3 || argv[1][0] == '-') {
    std::cerr
        << "usage: dcp-plugin-call PLUGIN.so [CONFIG.json] < requests.jsonl\n"
           "a line: {\"capability\": \"run_backend\", \"method\": \"Check\", \"request\": {}}\n";
    return kExitUsage;
  }
  const auto manifest = ReadManifest(argv[1]);
  if (!manifest.ok()) return Fail(manifest.status());
  std::string config = "{}";
  if (argc == 3) {
    std::ifstream file(argv[2]);
    config.assign(std::istreambuf_iterator<char>(file), {});
    if (!file) return Fail(NotFound(std::string("cannot read ") + argv[2]));
  }
  const OnePlugin plugin(argv[1]);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  Settings settings;
  settings.directories = {plugin.folder()};
  settings.worker_program = (self.parent_path() / "dcp-plugin-worker").string();
  settings.instances.resize(1);
  settings.instances[0].id = kInstance;
  settings.instances[0].plugin = manifest->id;
  settings.instances[0].config_json = Secret(config);
  // Where the link leads.
  settings.instances[0].sandbox.read = {
      std::filesystem::canonical(argv[1], error).parent_path().string()};
  settings.instances[0].wait_for_debugger = std::getenv("DCP_PLUGIN_CALL_DEBUG") != nullptr;
  const auto host = Host::Start(settings);
  if (!host.ok()) return Fail(host.status());
  const InstanceState state = (*host)->States().front();
  if (state.state == "FAILED") return Fail(FailedPrecondition(state.detail));
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) std::cout << Answer(**host, line).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace dcp::host

int main(int argc, char** argv) { return dcp::host::Main(argc, argv); }
