// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

namespace dcp {

bool Secret::Equals(std::string_view other) const {
  if (other.size() != value_.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < other.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (static_cast<unsigned char>(value_[i]) ^
                                                          static_cast<unsigned char>(other[i])));
  }
  return difference == 0;
}

}  // namespace dcp
