// SPDX-License-Identifier: Apache-2.0
//
// What clients are given: upstream answers made harmless, and the few that are made here.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/http.h"
#include "catalog/listing.h"
#include "catalog/names.h"

namespace dcp::catalog {

/// Types of Iceberg's error answers that engines know.
inline constexpr char kBadRequest[] = "BadRequestException";
inline constexpr char kNotAuthorized[] = "NotAuthorizedException";
inline constexpr char kForbidden[] = "ForbiddenException";
inline constexpr char kNoSuchTable[] = "NoSuchTableException";
inline constexpr char kNoSuchView[] = "NoSuchViewException";
inline constexpr char kNoSuchNamespace[] = "NoSuchNamespaceException";
inline constexpr char kAlreadyExists[] = "AlreadyExistsException";
inline constexpr char kNamespaceNotEmpty[] = "NamespaceNotEmptyException";
inline constexpr char kUnsupported[] = "UnsupportedOperationException";
inline constexpr char kUnprocessable[] = "UnprocessableEntityException";
inline constexpr char kCommitFailed[] = "CommitFailedException";
inline constexpr char kUnavailable[] = "ServiceUnavailableException";
inline constexpr char kCommitStateUnknown[] = "CommitStateUnknownException";
inline constexpr char kServerError[] = "InternalServerError";

HttpResponse ErrorAnswer(int code, const std::string& type, const std::string& message);
/// A failure of our own: 400, 403, 404 ... by its code; 500 for what has no better one.
HttpResponse StatusAnswer(const Status& status);
/// An upstream's error without its stack trace; `hidden` (the overlay's root and a dot) is taken
/// out of its message. An answer that is no Iceberg error (a web server's before the catalog) is
/// 400 when it refuses the request as it stands, and 503 otherwise: a second try may do.
HttpResponse UpstreamError(const HttpReply& reply, const std::string& hidden);

/// The message alone of such an error; empty where the body has no message.
std::string UpstreamMessage(const std::string& body, const std::string& hidden);

HttpResponse ConfigAnswer(const std::vector<std::string>& endpoints);
/// `page` has the last levels of namespaces under `parent`.
HttpResponse NamespacesAnswer(const Levels& parent, const Page& page);
HttpResponse TablesAnswer(const Levels& levels, const Page& page);
/// Answer to create and load of an overlay namespace: `body` is upstream's, the name the client's.
HttpResponse NamespaceAnswer(const Levels& levels, const std::string& upstream_body);

/// A table of the overlay: without credentials.
Result<std::string> StripCredentials(const std::string& load_result);
/// A table of production: without credentials, `gc.enabled=false`, and with every property that
/// says where to write pointing into `quarantine`, so that the files of a write that will be
/// refused do not land in production's warehouse.
Result<std::string> Defang(const std::string& load_result, const std::string& quarantine);

/// What a load's answer says of the table itself.
struct LoadedTable {
  std::string location;
  std::string uuid;
};
Result<LoadedTable> ReadLoaded(const std::string& load_result);

}  // namespace dcp::catalog
