// SPDX-License-Identifier: Apache-2.0
//
// The room's public face: settings in, a listening catalog out.
#include "catalog/catalog.h"

#include <atomic>
#include <utility>

#include "base/id.h"
#include "catalog/facade.h"
#include "catalog/http.h"
#include "catalog/location.h"
#include "catalog/operations.h"
#include "catalog/sweeping.h"

namespace dcp::catalog {
namespace {

/// Enough for one probe of doctor's.
constexpr int64_t kProbeTokenMs = 60'000;
/// Threads for requests that call no upstream at the moment: they verify, parse and make answers.
constexpr int kSpareWorkers = 8;

class RestCatalog : public Catalog {
 public:
  RestCatalog(const Settings& settings, store::Store& store, const Tokens& tokens,
              const Clock& clock)
      : host_(settings.host),
        tokens_(tokens),
        clock_(clock),
        backends_(settings, stopping_),
        facade_(backends_, store, tokens, clock, receipts_, settings) {}

  ~RestCatalog() override {
    stopping_ = true;  // ends what waits for an upstream
    server_.reset();
  }

  Status Listen(const Settings& settings) {
    // As many as can wait for either upstream at once, so that those that wait for the one never
    // hold up those that need the other alone.
    const int workers = settings.production.limits.calls + settings.overlay.limits.calls +
                        2 * kWaitingCallsMax + kSpareWorkers;
    DCP_ASSIGN(server_, HttpServer::Start(settings.host, settings.port, workers, facade_));
    return Status::Ok();
  }

  int port() const override { return server_->port(); }

  std::string EndpointFor(const std::string& playground) const override {
    const bool v6 = host_.find(':') != std::string::npos;
    return "http://" + (v6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port()) + "/pg/" +
           playground;
  }

  Receipt ReceiptFor(const std::string& playground, int64_t generation,
                     const std::string& mode) const override {
    return receipts_.Get(playground, generation, mode);
  }

  Result<TableState> EnsureTable(const store::Playground& playground, const TableSpec& spec,
                                 const Patience& patience) override {
    const Backends own(backends_, {playground.owner, playground.name, patience});
    return EnsureTableIn(own, Place::Of(own, playground.name, playground.generation), spec);
  }

  Result<TableInfo> DescribeTable(const store::Playground& playground, const std::string& table,
                                  const Patience& patience) override {
    const Backends own(backends_, {playground.owner, playground.name, patience});
    return DescribeTableIn(own, Place::Of(own, playground.name, playground.generation), table);
  }

  Result<int64_t> Purge(const std::string& playground, int64_t generation,
                        const Patience& patience) override {
    DCP_ASSIGN(const Place place, CheckedPlace(playground, generation));
    DCP_ASSIGN(const int64_t dropped,
               PurgePlace(Backends(backends_, {"", playground, patience}), place));
    receipts_.Forget(playground, generation);
    return dropped;
  }

  Result<Footprint> Measure(const std::string& playground, int64_t generation) override {
    DCP_ASSIGN(const Place place, CheckedPlace(playground, generation));
    return MeasurePlace(Backends(backends_, {"", playground}), place);
  }

  Result<Traces> FindTraces() override { return FindTracesIn(backends_); }

  Status ProbeProductionWrite(const store::Playground& playground,
                              const std::string& user) override {
    const Secret token = tokens_.Issue({user, playground.name, playground.generation, "rw",
                                        clock_.Wall() + kProbeTokenMs, "", ""});
    return ProbeProduction(backends_, Place::Of(backends_, playground.name, playground.generation),
                           EndpointFor(playground.name), token, stopping_);
  }

  std::vector<UpstreamState> Upstreams() const override {
    return {backends_.production.State(), backends_.overlay.State()};
  }

 private:
  /// Paths are made of these two: nothing else may get into one.
  Result<Place> CheckedPlace(const std::string& playground, int64_t generation) const {
    DCP_TRY(CheckPlaygroundName(playground));
    if (generation < 1) return InvalidArgument("a playground's generation counts from 1");
    return Place::Of(backends_, playground, generation);
  }

  std::string host_;
  const Tokens& tokens_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
  Backends backends_;
  Receipts receipts_;
  Facade facade_;
  std::unique_ptr<HttpServer> server_;  // last: its threads use all of the above
};

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::Start(Settings settings, store::Store& store,
                                                const Tokens& tokens, const Clock& clock) {
  Result<std::string> warehouse = CanonicalLocation(settings.overlay_warehouse, Percent::kKeep);
  if (warehouse.ok() && !warehouse->starts_with("file://")) {
    warehouse = InvalidArgument("the location \"" + *warehouse +
                                "\" is not a file: location, the only kind that can be swept");
  }
  if (!warehouse.ok()) return std::move(warehouse).status().With("overlay warehouse");
  if (*warehouse == "file:///") {
    return InvalidArgument("the overlay warehouse is the root of the file system; name a folder");
  }
  settings.overlay_warehouse = *warehouse;
  for (const Upstream* upstream : {&settings.production, &settings.overlay}) {
    if (!upstream->uri.starts_with("http://") && !upstream->uri.starts_with("https://")) {
      return InvalidArgument("the upstream catalog \"" + upstream->uri + "\" is no http address");
    }
  }
  auto catalog = std::make_unique<RestCatalog>(settings, store, tokens, clock);
  DCP_TRY(catalog->Listen(settings));
  return std::unique_ptr<Catalog>(std::move(catalog));
}

}  // namespace dcp::catalog
