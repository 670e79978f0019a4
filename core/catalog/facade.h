// SPDX-License-Identifier: Apache-2.0
//
// The façade's front: who asks, whether they may, what they mean; then the endpoint.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "base/mutex.h"
#include "catalog/catalog.h"
#include "catalog/http.h"
#include "catalog/requests.h"
#include "catalog/tokens.h"
#include "store/store.h"

namespace dcp::catalog {

/// How long one request may call upstreams, in time-outs of one call: a listing is many calls, each
/// of which may be slow.
constexpr int64_t kRequestTimeouts = 2;

/// Counters for each playground generation and mode, since the process began. [any]
class Receipts {
 public:
  void Count(const Claims& claims, const Route& route, int code);
  Receipt Get(const std::string& playground, int64_t generation, const std::string& mode) const;
  void Forget(const std::string& playground, int64_t generation);

 private:
  using Key = std::tuple<std::string, int64_t, std::string>;
  mutable Mutex mutex_;
  std::map<Key, Receipt> receipts_ DCP_GUARDED_BY(mutex_);
};

class Facade : public HttpHandler {
 public:
  Facade(const Backends& backends, store::Store& store, const Tokens& tokens, const Clock& clock,
         Receipts& receipts, const Settings& settings)
      : backends_(backends),
        store_(store),
        tokens_(tokens),
        clock_(clock),
        receipts_(receipts),
        request_ms_(kRequestTimeouts * settings.upstream_timeout_ms) {}

  /// The token's signature and time; its playground is looked up in Handle.
  Admission Admit(const HttpRequest& head) override;
  HttpResponse Handle(const HttpRequest& request, const std::function<bool()>& gone) override;
  HttpResponse Busy(const HttpRequest& request) override;

 private:
  /// PERMISSION_DENIED with the reason when the claims are not good for that playground now.
  Status CheckClaims(const Claims& claims, const std::string& playground) const;
  static HttpResponse Dispatch(const Backends& backends, const Request& request);

  const Backends& backends_;
  store::Store& store_;
  const Tokens& tokens_;
  const Clock& clock_;
  Receipts& receipts_;
  const int64_t request_ms_;
};

}  // namespace dcp::catalog
