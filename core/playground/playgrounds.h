// SPDX-License-Identifier: Apache-2.0
//
// Playgrounds: who owns one, how long it lives, what is registered in it. Authorisation by owner
// is decided here and nowhere else.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace dcp::playground {

struct Principal {
  std::string user;
  std::string team;
  std::string environment;
  /// May see and do what concerns everybody's: the sweep. Nobody is, unless the principals file
  /// says so.
  bool is_operator = false;
};

/// What `Update` changes; what is not named stays.
struct Update {
  std::optional<int64_t> ttl_ms;  ///< from now, as Extend
  std::map<std::string, std::string> set_labels;
  std::vector<std::string> remove_labels;  ///< one that is not there is no mistake
};

struct Limits {
  /// Shortest life worth having; less is a typo in a unit.
  int64_t min_ttl_ms = 60'000;
  int64_t default_ttl_ms = int64_t{72} * 3600 * 1000;
  int64_t max_ttl_ms = int64_t{14} * 24 * 3600 * 1000;
  /// For how long an expired one is kept whole, in time that the daemon serves; 0: it is not.
  int64_t tombstone_ms = int64_t{24} * 3600 * 1000;
  int per_owner_max = 100;
};

class Playgrounds {
 public:
  Playgrounds(store::Store& store, const Clock& clock, Limits limits);

  /// Empty `name`: one is made from the user's name. `ttl_ms` 0: the default. [any]
  Result<store::Playground> Create(const Principal& who, const std::string& name, int64_t ttl_ms,
                                   const std::map<std::string, std::string>& labels);
  /// The caller's own playground in state ACTIVE or DELETING. Somebody else's is NOT_FOUND, in the
  /// same words as one that is missing: names are not for guessing. [any]
  Result<store::Playground> Get(const Principal& who, const std::string& name);
  /// As Get, but FAILED_PRECONDITION when it is expired or being deleted. [any]
  Result<store::Playground> Usable(const Principal& who, const std::string& name);
  /// A page of the caller's, by name: those after `after` (empty: from the first). [any]
  Result<std::vector<store::Playground>> List(const Principal& who, const std::string& after,
                                              int limit);
  /// Counted from now; never beyond creation + maximum. [any]
  Result<store::Playground> Extend(const Principal& who, const std::string& name, int64_t ttl_ms);
  /// All of it or nothing. INVALID_ARGUMENT when it changes nothing, or sets and removes one
  /// label; labels are merged with those that are there. [any]
  Result<store::Playground> Change(const Principal& who, const std::string& name,
                                   const Update& update);
  /// ACTIVE -> DELETING; OK when it is DELETING already. [any]
  Result<store::Playground> BeginDelete(const Principal& who, const std::string& name);
  /// Takes an expired one back, whole, before its purge has begun: it lives for `ttl_ms` from now
  /// (0: the default), at most to its creation + maximum, or for a tombstone period where that is
  /// later. FAILED_PRECONDITION when it has not expired, or is being deleted. [any]
  Result<store::Playground> Restore(const Principal& who, const std::string& name, int64_t ttl_ms);
  /// Forgets datasets and what runs reported, and turns DELETING into DELETED. Idempotent. [any]
  Status FinishDelete(const std::string& name, int64_t generation);

  Status Register(const store::Dataset& dataset);
  Result<std::vector<store::Dataset>> Datasets(const store::Playground& playground);

  // For the daemon's timer, without a principal. `served`: for how long the daemon has served, in
  // all: the wall clock alone, which may jump, takes nothing away. [any]

  /// Those whose time is over, which were not known to be; now they are.
  Result<std::vector<store::Playground>> NoticeEnds(int64_t served, int limit);
  /// The wall clock went back: who lives again has not ended.
  Status ForgetEnds();
  /// The wall clock went back and stays: who was made ahead of it lives no longer than one made
  /// now.
  Result<int64_t> ShortenLives();
  /// Those that have been noticed for the tombstone period.
  Result<std::vector<store::Playground>> Purgeable(int64_t served, int limit);
  /// ACTIVE -> DELETING; ABORTED when it was extended or restored meanwhile, or is not ACTIVE any
  /// more.
  Status BeginExpire(const store::Playground& playground, int64_t served);

 private:
  /// When a life of `ttl_ms` from now ends. FAILED_PRECONDITION after the longest life.
  Result<WallMillis> EndOf(const store::Playground& playground, int64_t ttl_ms) const;

  store::Store& store_;
  const Clock& clock_;
  Limits limits_;
};

}  // namespace dcp::playground
