// SPDX-License-Identifier: Apache-2.0
#include "daemon/recycler.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace dcp::daemon {
namespace {

/// protobuf's JSON writes 64-bit numbers as text.
int64_t SessionsOpened(const std::string& response_json) {
  const auto json = nlohmann::json::parse(response_json, nullptr, false);
  if (!json.is_object()) return 0;
  const auto found = json.find("sessionsOpened");
  if (found == json.end()) return 0;
  if (found->is_number_integer()) return found->get<int64_t>();
  return found->is_string() ? std::atoll(found->get<std::string>().c_str()) : 0;
}

}  // namespace

void Recycler::Begin() {
  const MutexLock lock(mutex_);
  ++running_;
}

void Recycler::End(const std::string& response_json) {
  const int64_t opened = response_json.empty() ? 0 : SessionsOpened(response_json);
  {
    const MutexLock lock(mutex_);
    --running_;
    if (opened > 0 && opened < opened_then_) opened_then_ = 0;  // a new worker counts anew
    opened_ = opened > 0 ? opened : opened_;
    if (sessions_max_ == 0 || running_ > 0 || opened_ - opened_then_ < sessions_max_) return;
    opened_then_ = opened_;
  }
  recycle_();
}

}  // namespace dcp::daemon
