// SPDX-License-Identifier: Apache-2.0
//
// Status -> grpc::Status: the one place where a failure leaves for the API. The id, hint and
// location travel as a dcp.v1.ErrorDetails in the status details.
#pragma once

#include "base/status.h"

namespace grpc {
class Status;
}

namespace dcp::api {

/// Texts that a status may carry over the wire: gRPC sends them in HTTP/2 headers, which peers
/// bound at 8 KiB.
constexpr size_t kErrorMessageBytesMax = 3000;
constexpr size_t kErrorHintBytesMax = 1000;

grpc::Status ToGrpc(const Status& status);

}  // namespace dcp::api
