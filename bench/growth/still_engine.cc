// SPDX-License-Identifier: Apache-2.0
//
// A test backend that asks nobody: every query is well and yields one column. Its plans are as
// large as those of Spark for a query of some joins, so that what is measured carries what it would
// carry.
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

constexpr size_t kPlanBytes = 20'000;

class Still : public dcp::sdk::Instance {
 public:
  static Outcome<std::unique_ptr<Still>> Create(std::string_view) {
    return std::make_unique<Still>();
  }

  Outcome<std::string> Invoke(std::string_view, std::string_view request,
                              dcp::sdk::Call&) override {
    // A query that says so is refused, so that a command has something to find.
    if (request.find("no_such_column") != std::string_view::npos) {
      const Json finding = {
          {"severity", "ERROR"}, {"code", "PZ0220"}, {"message", "no such column"}};
      return Json{{"valid", false}, {"findings", {finding}}, {"engine", "still"}}.dump();
    }
    return Json{{"valid", true},
                {"columns", {{{"name", "a"}, {"type", "int"}, {"nullable", true}}}},
                {"engine", "still"},
                {"plan", std::string(kPlanBytes, 'p')}}
        .dump();
  }
};

}  // namespace

DCP_SDK_EXPORT(Still)
