// SPDX-License-Identifier: Apache-2.0
//
// The limits that more than one room must agree on, each with its reason. A limit that only one
// room knows stands in that room's own header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dcp::limits {

/// A manifest, or a file that it names. Larger ones are generated, and belong into a table.
constexpr size_t kFileBytesMax = size_t{4} << 20;
/// Files of one request together: bounds what one call can make the daemon hold.
constexpr size_t kRequestBytesMax = size_t{16} << 20;
/// Manifests of one run. What a run costs grows with them (each is a few nodes, and the last node
/// is given the outputs of all), so that a larger command is several runs.
constexpr size_t kManifestsMax = 200;
/// Manifests of one command of `pretzel`: as many as were measured to end in flat memory.
constexpr size_t kCommandManifestsMax = 10'000;
/// One body that crosses the plugin ABI or the API. Plans of wide tables reach a few MiB.
constexpr size_t kMessageBytesMax = size_t{64} << 20;
/// Nodes of one graph, and how deep nodes may return nodes.
constexpr size_t kGraphNodesMax = 2000;
constexpr int32_t kGraphDepthMax = 4;
/// Labels of a playground, and the length of a key or value.
constexpr size_t kLabelsMax = 32;
constexpr size_t kLabelBytesMax = 256;

}  // namespace dcp::limits
