// SPDX-License-Identifier: Apache-2.0
//
// A resource whose every command is a graph of as many nodes as its configuration says, none of
// which does anything: what is measured is what runs cost that have many.
//   {"nodes": N}
#include <dcp/sdk/json.h>
#include <dcp/sdk/plugin.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace {

using dcp::sdk::Error;
using dcp::sdk::Outcome;
using Json = nlohmann::json;

class Wide : public dcp::sdk::Instance {
 public:
  explicit Wide(int nodes) : nodes_(nodes) {}

  static Outcome<std::unique_ptr<Wide>> Create(std::string_view config_json) {
    const Json config = Json::parse(config_json, nullptr, false);
    if (!config.is_object() || !config.contains("nodes")) {
      return Error{.code = DCP_INVALID_ARGUMENT, .message = "the configuration needs `nodes`"};
    }
    return std::make_unique<Wide>(config["nodes"].get<int>());
  }

  Outcome<std::string> Invoke(std::string_view method, std::string_view, dcp::sdk::Call&) override {
    if (method == "Describe") return std::string(R"({"kinds":["Wide"],"commands":["test"]})");
    if (method == "Continue") return std::string(R"({"graph":{"nodes":[]}})");
    Json nodes = Json::array();
    for (int i = 0; i < nodes_; ++i) {
      nodes.push_back({{"id", "n" + std::to_string(i)},
                       {"capability", "resource"},
                       {"method", "Continue"},
                       {"title", "node " + std::to_string(i)},
                       {"request", Json::object()}});
    }
    return Json{{"graph", {{"nodes", std::move(nodes)}}}}.dump();
  }

 private:
  const int nodes_;
};

}  // namespace

DCP_SDK_EXPORT(Wide)
