// SPDX-License-Identifier: Apache-2.0
//
// A configuration's schema as documentation: its keys, and a snippet to begin with.
#pragma once

#include <string>
#include <vector>

namespace dcp::schema {

/// One key of a configuration. Values are JSON texts.
struct Key {
  std::string path;  ///< "retry.times"; "jars[]" is each item of a list, "conf.*" each other key
  std::string type;  ///< "text", "a whole number", ...; empty: any
  bool required = false;  ///< within the map it stands in
  bool secret = false;    ///< given as a reference only
  std::string fallback;   ///< what the plugin takes without it; empty: not told
  std::vector<std::string> allowed;
  std::vector<std::string> bounds;  ///< ">= 1", "at most 3 items", ...
  std::vector<std::string> examples;
  std::string description;
};

/// Of a compiled schema, in the order written; keys within a key follow it. [any]
std::vector<Key> Keys(const std::string& compiled);
/// An instance for `plugins.instances` of dcpd.yaml: required keys filled in, the others commented
/// out. [any]
std::string Snippet(const std::string& plugin, const std::string& compiled);
/// All of it for a terminal. Without a schema (""): that there is none. [any]
std::string Outline(const std::string& plugin, const std::string& version,
                    const std::string& compiled);

}  // namespace dcp::schema
