// SPDX-License-Identifier: Apache-2.0
//
// derived_dataset as a plugin: the service behind the SDK.
#include <dcp/sdk/plugin.h>

#include <memory>
#include <string>

#include "service.h"

namespace dcp::derived_dataset {
namespace {

class Plugin : public sdk::Instance {
 public:
  /// It has no settings: anything but an empty object is a mistake of the operator's.
  static sdk::Outcome<std::unique_ptr<Plugin>> Create(std::string_view config_json) {
    std::string text;
    for (char c : config_json) {
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n') text += c;
    }
    if (text != "{}" && text != "null") {
      return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                        .message = "the plugin derived_dataset takes no configuration",
                        .hint = "remove its `config`"};
    }
    return std::make_unique<Plugin>();
  }

  sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view request,
                                   sdk::Call&) override {
    Answer answer = Handle(method, request);
    switch (answer.code) {
      case Answer::Code::kOk:
        return std::move(answer.body);
      case Answer::Code::kInvalidArgument:
        return Failure(DCP_INVALID_ARGUMENT, answer);
      case Answer::Code::kUnimplemented:
        return Failure(DCP_UNIMPLEMENTED, answer);
      case Answer::Code::kInternal:
        break;
    }
    return Failure(DCP_INTERNAL, answer);
  }

 private:
  static sdk::Error Failure(dcp_code code, const Answer& answer) {
    return sdk::Error{.code = code, .message = answer.message, .hint = answer.hint};
  }
};

}  // namespace
}  // namespace dcp::derived_dataset

DCP_SDK_EXPORT(dcp::derived_dataset::Plugin)
