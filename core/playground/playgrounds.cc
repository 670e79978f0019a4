// SPDX-License-Identifier: Apache-2.0
#include "playground/playgrounds.h"

#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "base/id.h"
#include "base/limits.h"

namespace dcp::playground {
namespace {

/// How often a made-up name may turn out to be taken before we give up: with four random bytes
/// even one collision is a surprise.
constexpr int kNameAttemptsMax = 5;
/// Names that a mistyped one is compared with.
constexpr int kNearNamesMax = 1000;
constexpr size_t kNameRandomBytes = 4;
/// Of a user's name that goes into a made-up name: leaves room for "-" and the random part.
constexpr size_t kUserBytesMax = 40;

constexpr int64_t kHourMs = 3'600'000;

// Ids of what this room refuses (docs/reference/errors.md); PZ0301, a bad name, is base/id.cc's.
constexpr char kNotYours[] = "PZ0302";
constexpr char kNameTaken[] = "PZ0303";
constexpr char kBeingDeleted[] = "PZ0304";
constexpr char kExpired[] = "PZ0305";
constexpr char kQuota[] = "PZ0306";
constexpr char kTtl[] = "PZ0307";
constexpr char kLabels[] = "PZ0308";
constexpr char kNothing[] = "PZ0309";
constexpr char kNotExpired[] = "PZ0310";

std::string HumanDuration(int64_t ms) {
  if (ms >= kHourMs && ms % kHourMs == 0) return std::to_string(ms / kHourMs) + " h";
  if (ms >= 60'000 && ms % 60'000 == 0) return std::to_string(ms / 60'000) + " min";
  return std::to_string(ms) + " ms";
}

/// "Ada.Lovelace@example" -> "ada-lovelace-example-1f2e3d4c".
std::string NameFor(const std::string& user) {
  std::string base;
  for (const char c : user.substr(0, kUserBytesMax)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool letter = lower >= 'a' && lower <= 'z';
    const bool digit = lower >= '0' && lower <= '9';
    if (letter || (digit && !base.empty())) {
      base += lower;
    } else if (!base.empty() && base.back() != '-') {
      base += '-';
    }
  }
  while (!base.empty() && base.back() == '-') base.pop_back();
  if (base.empty()) base = "pg";
  return base + "-" + RandomHex(kNameRandomBytes);
}

Status CheckLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > limits::kLabelsMax) {
    return InvalidArgument("labels: " + std::to_string(labels.size()) + " given, at most " +
                           std::to_string(limits::kLabelsMax) + " are kept")
        .WithId(kLabels);
  }
  for (const auto& [key, value] : labels) {
    if (key.empty()) return InvalidArgument("labels: a key is empty").WithId(kLabels);
    if (key.size() > limits::kLabelBytesMax || value.size() > limits::kLabelBytesMax) {
      return InvalidArgument("labels: key or value of '" + key.substr(0, limits::kLabelBytesMax) +
                             "' is longer than " + std::to_string(limits::kLabelBytesMax) +
                             " bytes")
          .WithId(kLabels);
    }
    for (const std::string* text : {&key, &value}) {
      const bool control = std::any_of(text->begin(), text->end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      });
      if (control) {
        return InvalidArgument("labels: a key or value holds a control character").WithId(kLabels);
      }
    }
  }
  return Status::Ok();
}

Status BeingDeleted(const std::string& what, const std::string& name) {
  return FailedPrecondition(what + " playground " + name + ": it is being deleted")
      .WithId(kBeingDeleted)
      .WithHint("make a new one with `pretzel playground create`");
}

Status CheckRemoved(const Update& update) {
  if (update.remove_labels.size() > limits::kLabelsMax) {
    return InvalidArgument("labels: " + std::to_string(update.remove_labels.size()) +
                           " to remove, a playground has at most " +
                           std::to_string(limits::kLabelsMax))
        .WithId(kLabels);
  }
  for (const std::string& key : update.remove_labels) {
    if (!update.set_labels.contains(key)) continue;
    return InvalidArgument("labels: '" + key + "' is both set and removed").WithId(kLabels);
  }
  return Status::Ok();
}

Result<int64_t> CheckTtl(int64_t ttl_ms, const Limits& limits) {
  if (ttl_ms == 0) return std::min(limits.default_ttl_ms, limits.max_ttl_ms);
  if (ttl_ms < limits.min_ttl_ms || ttl_ms > limits.max_ttl_ms) {
    return InvalidArgument("time to live " + HumanDuration(ttl_ms) + ": it must be between " +
                           HumanDuration(limits.min_ttl_ms) + " and " +
                           HumanDuration(limits.max_ttl_ms))
        .WithId(kTtl);
  }
  return ttl_ms;
}

}  // namespace

Playgrounds::Playgrounds(store::Store& store, const Clock& clock, Limits limits)
    : store_(store), clock_(clock), limits_(limits) {}

Result<store::Playground> Playgrounds::Create(const Principal& who, const std::string& name,
                                              int64_t ttl_ms,
                                              const std::map<std::string, std::string>& labels) {
  if (!name.empty()) DCP_TRY(CheckPlaygroundName(name));
  DCP_TRY(CheckLabels(labels));
  DCP_ASSIGN(const int64_t ttl, CheckTtl(ttl_ms, limits_));
  DCP_ASSIGN(const int64_t own, store_.CountPlaygrounds(who.user));
  if (own >= std::max(limits_.per_owner_max, 0)) {
    return ResourceExhausted("create a playground: you have " + std::to_string(own) +
                             ", the most one person may have")
        .WithId(kQuota)
        .WithHint("delete one with `pretzel playground delete NAME`");
  }
  store::Playground playground;
  playground.owner = who.user;
  playground.team = who.team;
  playground.environment = who.environment;
  playground.created_at = clock_.Wall();
  playground.expires_at = playground.created_at + ttl;
  playground.labels = labels;
  for (int attempt = 1;; ++attempt) {
    playground.name = name.empty() ? NameFor(who.user) : name;
    DCP_CRASH_POINT("playground.create.before_commit");
    auto made = store_.CreatePlayground(playground);
    DCP_CRASH_POINT("playground.create.after_commit");
    if (made.ok() || made.status().code() != Code::kAlreadyExists) return made;
    if (name.empty() && attempt < kNameAttemptsMax) continue;
    return std::move(made)
        .status()
        .WithId(kNameTaken)
        .WithHint(
            "choose another name; one that is being deleted is free again when that has ended, and "
            "an expired one of yours is taken back with `pretzel playground restore`");
  }
}

Result<store::Playground> Playgrounds::Get(const Principal& who, const std::string& name) {
  DCP_TRY(CheckPlaygroundName(name));
  auto found = store_.GetPlayground(name);
  if (found.ok() && found.value().owner == who.user) return found;
  if (!found.ok() && found.status().code() != Code::kNotFound) return found;
  // From here on nothing may depend on whether somebody else has one of that name.
  DCP_ASSIGN(const auto own, store_.ListPlaygrounds(who.user, "", kNearNamesMax));
  std::vector<std::string> names;
  for (const store::Playground& playground : own) names.push_back(playground.name);
  const std::string near = Nearest(name, names);
  std::string hint = near.empty() ? "" : "did you mean " + near + "? ";
  hint += names.empty() ? "make one with `pretzel playground create`"
                        : "`pretzel playground list` shows yours";
  return NotFound("playground " + name + ": you have none of that name")
      .WithId(kNotYours)
      .WithHint(hint);
}

Result<store::Playground> Playgrounds::Usable(const Principal& who, const std::string& name) {
  DCP_ASSIGN(store::Playground playground, Get(who, name));
  if (playground.state != store::kActive) {
    return FailedPrecondition("playground " + name + ": it is being deleted")
        .WithId(kBeingDeleted)
        .WithHint("use another one, or make one with `pretzel playground create`");
  }
  if (playground.expires_at <= clock_.Wall()) {
    return FailedPrecondition("playground " + name + ": it expired at " +
                              FormatTime(playground.expires_at))
        .WithId(kExpired)
        .WithHint("until it is purged, `pretzel playground restore " + name +
                  "` takes it back whole");
  }
  return playground;
}

Result<std::vector<store::Playground>> Playgrounds::List(const Principal& who,
                                                         const std::string& after, int limit) {
  if (who.user.empty()) return Unauthenticated("list playgrounds: the caller has no name");
  return store_.ListPlaygrounds(who.user, after, limit);
}

Result<store::Playground> Playgrounds::Extend(const Principal& who, const std::string& name,
                                              int64_t ttl_ms) {
  DCP_ASSIGN(store::Playground playground, Get(who, name));
  if (playground.state != store::kActive) return BeingDeleted("extend", name);
  DCP_ASSIGN(playground.expires_at, EndOf(playground, ttl_ms));
  DCP_CRASH_POINT("playground.extend.before_commit");
  const Status set = store_.SetPlaygroundExpiry(name, playground.generation, playground.expires_at);
  DCP_CRASH_POINT("playground.extend.after_commit");
  if (set.code() == Code::kNotFound) return BeingDeleted("extend", name);  // since we looked
  DCP_TRY(set);
  playground.ended_served = -1;
  return playground;
}

Result<store::Playground> Playgrounds::Restore(const Principal& who, const std::string& name,
                                               int64_t ttl_ms) {
  DCP_ASSIGN(store::Playground playground, Get(who, name));
  if (playground.state != store::kActive) return BeingDeleted("restore", name);
  DCP_ASSIGN(const int64_t ttl, CheckTtl(ttl_ms, limits_));
  const WallMillis now = clock_.Wall();
  if (playground.expires_at > now) {
    return FailedPrecondition("restore playground " + name +
                              ": it has not expired, it lives until " +
                              FormatTime(playground.expires_at))
        .WithId(kNotExpired)
        .WithHint("`pretzel playground extend " + name + "` lets it live longer");
  }
  // After the longest life there is still time to copy from it. And when it was made, the clock may
  // have been wrong.
  const WallMillis latest = std::max(playground.created_at + limits_.max_ttl_ms,
                                     now + std::max(limits_.tombstone_ms, limits_.min_ttl_ms));
  playground.expires_at = std::min(now + ttl, latest);
  const Status set = store_.SetPlaygroundExpiry(name, playground.generation, playground.expires_at);
  if (set.code() == Code::kNotFound) return BeingDeleted("restore", name);  // since we looked
  DCP_TRY(set);
  playground.ended_served = -1;
  return playground;
}

Result<WallMillis> Playgrounds::EndOf(const store::Playground& playground, int64_t ttl_ms) const {
  DCP_ASSIGN(const int64_t ttl, CheckTtl(ttl_ms, limits_));
  const WallMillis latest = playground.created_at + limits_.max_ttl_ms;
  const WallMillis now = clock_.Wall();
  if (latest > now) return std::min(now + ttl, latest);
  return FailedPrecondition("extend playground " + playground.name +
                            ": it has had the longest life of " + HumanDuration(limits_.max_ttl_ms))
      .WithId(kTtl)
      .WithHint("make a new one with `pretzel playground create`");
}

Result<store::Playground> Playgrounds::Change(const Principal& who, const std::string& name,
                                              const Update& update) {
  DCP_TRY(CheckLabels(update.set_labels));
  DCP_TRY(CheckRemoved(update));
  if (!update.ttl_ms && update.set_labels.empty() && update.remove_labels.empty()) {
    return InvalidArgument("update playground " + name + ": nothing was given to change")
        .WithId(kNothing)
        .WithHint("give --ttl, --label or --remove-label");
  }
  DCP_ASSIGN(const store::Playground playground, Get(who, name));
  store::PlaygroundChange change;
  if (update.ttl_ms) {
    DCP_ASSIGN(change.expires_at, EndOf(playground, *update.ttl_ms));
  }
  change.set_labels = update.set_labels;
  change.remove_labels = update.remove_labels;
  change.labels_max = limits::kLabelsMax;
  DCP_CRASH_POINT("playground.update.before_commit");
  auto changed = store_.ChangePlayground(name, playground.generation, change);
  DCP_CRASH_POINT("playground.update.after_commit");
  if (changed.status().code() == Code::kFailedPrecondition) {
    return BeingDeleted("update", name);
  }
  if (changed.status().code() == Code::kResourceExhausted) {
    // The same mistake as at `create`, so the same code.
    return InvalidArgument(changed.status().message())
        .WithId(kLabels)
        .WithHint("remove one with --remove-label KEY");
  }
  return changed;
}

Result<store::Playground> Playgrounds::BeginDelete(const Principal& who, const std::string& name) {
  DCP_ASSIGN(store::Playground playground, Get(who, name));
  const Status begun =
      store_.SetPlaygroundState(name, playground.generation, store::kActive, store::kDeleting);
  DCP_CRASH_POINT("playground.delete.after_commit");
  if (begun.code() == Code::kAborted) {
    DCP_ASSIGN(const auto now, store_.GetPlayground(name));
    if (now.generation != playground.generation || now.state != store::kDeleting) return begun;
  } else {
    DCP_TRY(begun);
  }
  playground.state = store::kDeleting;
  return playground;
}

Status Playgrounds::BeginExpire(const store::Playground& playground, int64_t served) {
  return store_.ExpirePlayground(playground.name, playground.generation, clock_.Wall(),
                                 served - limits_.tombstone_ms);
}

Status Playgrounds::FinishDelete(const std::string& name, int64_t generation) {
  auto living = store_.GetPlayground(name);
  if (living.status().code() == Code::kNotFound) return Status::Ok();
  if (!living.ok()) return living.status();
  if (living.value().generation != generation) return Status::Ok();  // a later one: this is done
  if (living.value().state != store::kDeleting) {
    return FailedPrecondition("delete playground " + name + ": its deletion was not begun");
  }
  DCP_TRY(store_.DeleteDatasets(name, generation));
  DCP_CRASH_POINT("playground.finish.datasets_removed");
  DCP_TRY(store_.ForgetRuns(name, generation));
  DCP_CRASH_POINT("playground.finish.runs_forgotten");
  return store_.SetPlaygroundState(name, generation, store::kDeleting, store::kDeleted);
}

Status Playgrounds::Register(const store::Dataset& dataset) {
  DCP_ASSIGN(const auto playground, store_.GetPlayground(dataset.playground));
  if (playground.generation != dataset.generation || playground.state != store::kActive) {
    return FailedPrecondition("register " + dataset.name + ": playground " + dataset.playground +
                              " is being deleted")
        .WithId(kBeingDeleted);
  }
  store::Dataset stamped = dataset;
  stamped.updated_at = clock_.Wall();
  DCP_CRASH_POINT("playground.register.before_commit");
  return store_.PutDataset(stamped);
}

Result<std::vector<store::Dataset>> Playgrounds::Datasets(const store::Playground& playground) {
  return store_.ListDatasets(playground.name, playground.generation);
}

Result<std::vector<store::Playground>> Playgrounds::NoticeEnds(int64_t served, int limit) {
  return store_.NoticeEnds(clock_.Wall(), served, limit);
}

Status Playgrounds::ForgetEnds() { return store_.ForgetEnds(clock_.Wall()); }

Result<int64_t> Playgrounds::ShortenLives() {
  return store_.ShortenLives(clock_.Wall(), limits_.max_ttl_ms);
}

Result<std::vector<store::Playground>> Playgrounds::Purgeable(int64_t served, int limit) {
  return store_.PurgeablePlaygrounds(clock_.Wall(), served - limits_.tombstone_ms, limit);
}

}  // namespace dcp::playground
