// SPDX-License-Identifier: Apache-2.0
//
// The plugin's face to the SDK: bytes in, bytes out.
#include <dcp/contract/v1/test_backend.pb.h>
#include <dcp/sdk/plugin.h>

#include <mutex>

#include "analyzer.h"
#include "settings.h"

namespace dcp::spark_connect {
namespace {

namespace v1 = ::dcp::contract::v1;

sdk::Error Refuse(dcp_code code, std::string message) {
  sdk::Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

class Plugin : public sdk::Instance {
 public:
  explicit Plugin(Settings settings) : settings_(std::move(settings)) {}

  static sdk::Outcome<std::unique_ptr<Plugin>> Create(std::string_view config) {
    auto settings = ParseSettings(config);
    if (!settings.ok()) return settings.error();
    return std::make_unique<Plugin>(std::move(settings.value()));
  }

  static std::string EncodeError(const sdk::Error& error) {
    v1::Error body;
    body.set_id(error.id);
    body.set_message(error.message);
    body.set_hint(error.hint);
    if (!error.file.empty() || error.line > 0) {
      body.mutable_location()->set_file(error.file);
      body.mutable_location()->set_line(error.line);
      body.mutable_location()->set_column(error.column);
    }
    return body.SerializeAsString();
  }

  sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view body,
                                   sdk::Call& call) override {
    if (method.starts_with("test_backend.")) method.remove_prefix(method.find('.') + 1);
    if (method == "Analyze") {
      return Answer<v1::AnalyzeRequest, v1::AnalyzeResponse>(body, call, &Analyzer::Analyze);
    }
    if (method == "Preview") {
      return Answer<v1::PreviewRequest, v1::PreviewResponse>(body, call, &Analyzer::Preview);
    }
    return Refuse(DCP_UNIMPLEMENTED, "spark_connect has no method '" + std::string(method) +
                                         "', only Analyze and Preview");
  }

 private:
  template <typename Request, typename Response>
  sdk::Outcome<std::string> Answer(std::string_view body, sdk::Call& call,
                                   sdk::Outcome<bool> (Analyzer::*ask)(const Request&, CallScope&,
                                                                       const Analyzer::Progress&,
                                                                       Response*)) {
    Request request;
    if (!request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
      return Refuse(DCP_INVALID_ARGUMENT,
                    "spark_connect: the request is not a " + Request::descriptor()->name());
    }
    CallScope scope(call.RemainingMs(settings_.default_timeout_ms));
    call.OnCancel([&scope] { scope.Cancel(); });
    Response response;
    auto outcome = (analyzer().*ask)(
        request, scope, [&call](const std::string& text) { call.Progress(text); }, &response);
    call.OnCancel({});
    if (!outcome.ok()) return outcome.error();
    return response.SerializeAsString();
  }

  // Made at the first call: gRPC starts threads, which validate must not.
  Analyzer& analyzer() {
    std::call_once(once_, [this] { analyzer_ = std::make_unique<Analyzer>(settings_); });
    return *analyzer_;
  }

  const Settings settings_;
  std::once_flag once_;
  std::unique_ptr<Analyzer> analyzer_;
};

}  // namespace
}  // namespace dcp::spark_connect

DCP_SDK_EXPORT(::dcp::spark_connect::Plugin)
