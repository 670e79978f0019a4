// SPDX-License-Identifier: Apache-2.0
//
// Transcoding by protobuf's own JSON mapping. Protobuf's headers stay in this file.
#include "host/contract.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <exception>
#include <memory>

#include "base/id.h"
#include "base/redaction.h"
#include "dcp/contract/v1/common.pb.h"
#include "dcp/contract/v1/resource.pb.h"
#include "dcp/contract/v1/run_backend.pb.h"
#include "dcp/contract/v1/test_backend.pb.h"

namespace dcp::host {
namespace {

namespace v1 = dcp::contract::v1;
using google::protobuf::Message;

struct Method {
  std::string_view capability;
  std::string_view name;
  const Message* request;
  const Message* response;
};

template <typename Request, typename Response>
Method Make(std::string_view capability, std::string_view name) {
  return {capability, name, &Request::default_instance(), &Response::default_instance()};
}

const std::vector<Method>& Methods() {
  static const std::vector<Method> methods = {
      Make<v1::DescribeRequest, v1::DescribeResponse>("resource", "Describe"),
      Make<v1::CompileRequest, v1::CompileResponse>("resource", "Compile"),
      Make<v1::ContinueRequest, v1::ContinueResponse>("resource", "Continue"),
      Make<v1::AnalyzeRequest, v1::AnalyzeResponse>("test_backend", "Analyze"),
      Make<v1::InterpretRequest, v1::AnalyzeResponse>("test_backend", "Interpret"),
      Make<v1::PreviewRequest, v1::PreviewResponse>("test_backend", "Preview"),
      Make<v1::SubmitRequest, v1::SubmitResponse>("run_backend", "Submit"),
      Make<v1::CheckRequest, v1::CheckResponse>("run_backend", "Check"),
      Make<v1::CancelRequest, v1::CancelResponse>("run_backend", "Cancel"),
      Make<v1::LogsRequest, v1::LogsResponse>("run_backend", "Logs"),
  };
  return methods;
}

const Method* Find(std::string_view capability, std::string_view name) {
  for (const Method& method : Methods()) {
    if (method.capability == capability && method.name == name) return &method;
  }
  return nullptr;
}

std::string NameOf(std::string_view capability, std::string_view method) {
  return std::string(capability) + "." + std::string(method);
}

/// Empty when the JSON is the message; else why not.
std::string FromJson(const std::string& json, bool ignore_unknown, Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = ignore_unknown;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message, options);
  return status.ok() ? std::string() : std::string(status.message());
}

Result<std::string> ToJson(const Message& message, const std::string& what) {
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json);
  if (!status.ok()) {
    return Internal(what + " cannot be written as JSON: " + std::string(status.message()));
  }
  return json;
}

/// Protobuf's own checks throw when they fail.
template <typename Function>
Result<std::string> Guarded(const std::string& what, Function function) {
  try {
    return function();
  } catch (const std::exception& e) {
    return Internal(what + " cannot be transcoded: " + e.what());
  }
}

Status FromError(Code code, const v1::Error& error) {
  const v1::Location& at = error.location();
  return Status(code, error.message())
      .WithId(error.id())
      .WithHint(error.hint())
      .At({at.file(), at.line(), at.column()});
}

}  // namespace

Status Contract::Check(std::string_view capability, std::string_view name) {
  if (Find(capability, name) != nullptr) return Status::Ok();
  std::vector<std::string> names;
  for (const Method& method : Methods()) names.push_back(NameOf(method.capability, method.name));
  const std::string wanted = NameOf(capability, name);
  std::string message = "the contract has no method " + wanted + "; it has:";
  for (const std::string& known : names) message += " " + known;
  Status status = Unimplemented(std::move(message));
  const std::string near = Nearest(wanted, names);
  if (!near.empty()) return std::move(status).WithHint("did you mean " + near + "?");
  return status;
}

Result<std::string> Contract::EncodeRequest(std::string_view capability, std::string_view name,
                                            const std::string& json, Encoding encoding) {
  DCP_TRY(Check(capability, name));
  const std::string what = "the request of " + NameOf(capability, name);
  return Guarded(what, [&]() -> Result<std::string> {
    const std::unique_ptr<Message> message(Find(capability, name)->request->New());
    if (const std::string why = FromJson(json, false, *message); !why.empty()) {
      return Internal(what + " does not match the contract: " + why);
    }
    if (encoding == Encoding::kJson) return ToJson(*message, what);
    std::string bytes;
    if (!message->SerializeToString(&bytes)) return Internal(what + " cannot be serialized");
    return bytes;
  });
}

Result<std::string> Contract::DecodeResponse(std::string_view capability, std::string_view name,
                                             const std::string& body, Encoding encoding) {
  DCP_TRY(Check(capability, name));
  const std::string what = "the response of " + NameOf(capability, name);
  return Guarded(what, [&]() -> Result<std::string> {
    const std::unique_ptr<Message> message(Find(capability, name)->response->New());
    if (encoding == Encoding::kProtobuf) {
      if (!message->ParseFromString(body)) {
        return Internal(what + " is not the contract's message (" + std::to_string(body.size()) +
                        " bytes)");
      }
    } else if (const std::string why = FromJson(body, false, *message); !why.empty()) {
      return Internal(what + " does not match the contract: " + why);
    }
    return ToJson(*message, what);
  });
}

Status Contract::DecodeError(Code code, const std::string& body, Encoding encoding,
                             std::string_view who) {
  v1::Error error;
  bool read = false;
  if (encoding == Encoding::kProtobuf) {
    read = error.ParseFromString(body);
  } else if (!body.empty()) {
    // A newer plugin may say more than we understand; what we understand is passed on.
    read = FromJson(body, true, error).empty();
  }
  if (read && !error.message().empty()) return FromError(code, error);
  std::string message = std::string(who) + " failed";
  if (body.empty()) return Status(code, message + " and gave no reason");
  if (read) return Status(code, message + " and gave a reason without a message");
  message += " with an error that cannot be read";
  if (encoding == Encoding::kJson) message += ": " + Redact(body).substr(0, kErrorQuoteBytesMax);
  return Status(code, std::move(message));
}

}  // namespace dcp::host
