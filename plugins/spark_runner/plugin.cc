// SPDX-License-Identifier: Apache-2.0
//
// The plugin `spark_runner`: capabilities run_backend and test_backend on the Spark that is
// installed on this machine. It holds no state: Submit and Analyze turn their work into a process
// for the host to launch, Check and Interpret say what became of it.
#include <dcp/sdk/plugin.h>

#include "analyze.h"
#include "check.h"
#include "config.h"
#include "submit.h"

namespace dcp::spark_runner {

class SparkRunner : public sdk::Instance {
 public:
  static sdk::Outcome<std::unique_ptr<SparkRunner>> Create(std::string_view config_json) {
    auto config = ParseConfig(config_json);
    if (!config.ok()) return config.error();
    return std::make_unique<SparkRunner>(std::move(config.value()));
  }
  explicit SparkRunner(Config config) : config_(std::move(config)) {}

  sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view request,
                                   sdk::Call&) override {
    if (method == "Submit") return Submit(config_, request);
    if (method == "Check") return Check(request);
    if (method == "Analyze") return Analyze(config_, request);
    if (method == "Interpret") return Interpret(request);
    return sdk::Error{
        .code = DCP_UNIMPLEMENTED,
        .message = "spark_runner has no method '" + std::string(method) +
                   "': its jobs are processes of the host, which stops them and reads their logs"};
  }

 private:
  const Config config_;
};

}  // namespace dcp::spark_runner

DCP_SDK_EXPORT(dcp::spark_runner::SparkRunner)
