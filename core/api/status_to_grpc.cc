// SPDX-License-Identifier: Apache-2.0
//
// Status -> grpc::Status with ErrorDetails.
#include "api/status_to_grpc.h"

#include <grpcpp/support/status.h>

#include "base/redaction.h"
#include "dcp/v1/dcp.pb.h"

namespace dcp::api {
namespace {

/// Cuts at a code point's start, so that what is sent stays valid UTF-8.
std::string Cut(const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + " …";
}

}  // namespace

grpc::Status ToGrpc(const Status& failure) {
  if (failure.ok()) return grpc::Status::OK;
  // Whatever it quotes, and before it is cut.
  const Status status = Redact(failure);
  dcp::v1::ErrorDetails details;
  details.set_id(status.id());
  details.set_hint(Cut(status.hint(), kErrorHintBytesMax));
  details.set_file(Cut(status.location().file, kErrorHintBytesMax));
  details.set_line(status.location().line);
  details.set_column(status.location().column);
  return {static_cast<grpc::StatusCode>(status.code()),
          Cut(status.message(), kErrorMessageBytesMax), details.SerializeAsString()};
}

}  // namespace dcp::api
