// SPDX-License-Identifier: Apache-2.0
//
// For tests: a store whose generations count 1, 2, 3, so that names can be written down.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace dcp::store {

inline Result<std::unique_ptr<Store>> OpenCounting(const std::string& path) {
  return Store::Open(path, nullptr, [](int64_t last) { return last + 1; });
}

}  // namespace dcp::store
