// SPDX-License-Identifier: Apache-2.0
//
// Prints docs/reference/log-messages.md.
#include <cstdio>

#include "log/format.h"

int main() {
  const std::string page = dcp::log::CatalogueMarkdown();
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
