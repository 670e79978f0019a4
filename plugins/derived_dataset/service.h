// SPDX-License-Identifier: Apache-2.0
//
// The capability `resource` for kind DerivedDataset: methods in, JSON out. A pure function of its
// request; plugin.cc only carries it over the ABI.
#pragma once

#include <string>
#include <string_view>

namespace dcp::derived_dataset {

/// Texts of one request together; as much as the daemon takes from a client.
inline constexpr size_t kRequestBytesMax = size_t{64} << 20;
/// Manifests of one run, and the datasets in them. A command of more is several runs, which its
/// client makes.
inline constexpr size_t kManifestsMax = 200;

struct Answer {
  std::string body;     ///< the response as JSON; empty after a failure
  std::string message;  ///< why there is none
  std::string hint;
  enum class Code { kOk, kInvalidArgument, kUnimplemented, kInternal } code = Code::kOk;
};

Answer Handle(std::string_view method, std::string_view request);

}  // namespace dcp::derived_dataset
