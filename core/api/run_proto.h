// SPDX-License-Identifier: Apache-2.0
//
// From rows of the store to messages of the API. Internal to the room.
#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace dcp::v1 {
class Playground;
class Run;
}  // namespace dcp::v1

namespace dcp::api {

void FillPlayground(const store::Playground& from, v1::Playground* to);
/// Without nodes, report and files: as lists show it.
void FillRunSummary(const store::RunSummary& from, v1::Run* to);
/// All of it, as the store has it now.
Status FillRun(store::Store& store, const std::string& run_id, v1::Run* to);

}  // namespace dcp::api
