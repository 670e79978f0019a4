// SPDX-License-Identifier: Apache-2.0
#include "host/deny_list.h"

#include <openssl/sha.h>

#include <algorithm>

namespace dcp::host {
namespace {

std::string DigestOf(std::string_view method, std::string_view request) {
  std::string text;
  text.reserve(method.size() + 1 + request.size());
  text.append(method).push_back('\0');  // no method's name holds one
  text.append(request);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

std::list<DenyList::Suspect>::iterator DenyList::Find(const std::string& digest) {
  return std::find_if(suspects_.begin(), suspects_.end(),
                      [&](const Suspect& each) { return each.digest == digest; });
}

Status DenyList::Check(std::string_view method, std::string_view request) {
  if (!any_.load()) return {};
  const std::string digest = DigestOf(method, request);
  const MutexLock lock(mutex_);
  const auto found = Find(digest);
  if (found == suspects_.end() || found->deaths < deaths_max_) return {};
  return FailedPrecondition("this very request of " + std::string(method) +
                            " is not made again: " + std::to_string(found->deaths) +
                            " workers died while it ran; the last time: " + found->reason);
}

bool DenyList::Died(const std::shared_ptr<const void>& life, std::string_view method,
                    std::string_view request, const std::string& reason) {
  if (deaths_max_ == 0) return false;
  const std::string digest = DigestOf(method, request);
  const MutexLock lock(mutex_);
  const auto found = Find(digest);
  if (found != suspects_.end()) {
    if (!found->life.owner_before(life) && !life.owner_before(found->life)) return false;
    suspects_.splice(suspects_.begin(), suspects_, found);
  } else {
    suspects_.push_front({digest, 0, {}, {}});
    if (suspects_.size() > kSuspectsMax) suspects_.pop_back();
  }
  ++suspects_.front().deaths;
  suspects_.front().reason = reason;
  suspects_.front().life = life;
  any_ = true;
  return suspects_.front().deaths == deaths_max_;
}

void DenyList::Answered(std::string_view method, std::string_view request) {
  if (!any_.load()) return;
  const std::string digest = DigestOf(method, request);
  const MutexLock lock(mutex_);
  const auto found = Find(digest);
  if (found != suspects_.end()) suspects_.erase(found);
  any_ = !suspects_.empty();
}

void DenyList::Clear() {
  const MutexLock lock(mutex_);
  suspects_.clear();
  any_ = false;
}

}  // namespace dcp::host
