// SPDX-License-Identifier: Apache-2.0
//
// Bodies of requests that make or change a namespace, and what is passed on of them.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/names.h"

namespace dcp::catalog {

/// Body of a createNamespace request: its levels; checked for the overlay.
Result<Levels> ReadNamespace(const std::string& body);
/// The request for `levels` with the properties of the client's; without any when its body is
/// empty. PERMISSION_DENIED when they name a location.
Result<std::string> NamespaceBody(const Levels& levels, const std::string& client_body);

/// The body of an updateProperties request to pass on. PERMISSION_DENIED when it is about the
/// location; FAILED_PRECONDITION when it sets and removes the same property.
Result<std::string> NamespaceUpdateBody(const std::string& client_body);
/// What the client is told of it: the three lists of the upstream's answer alone.
std::string NamespaceUpdateAnswer(const std::string& upstream_body);

}  // namespace dcp::catalog
