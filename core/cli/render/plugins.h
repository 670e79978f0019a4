// SPDX-License-Identifier: Apache-2.0
//
// Plugins, their versions and their instances: as text for people, as JSON for programs.
#pragma once

#include <string>

#include "cli/render/text.h"
#include "dcp/v1/plugins.pb.h"

namespace dcp::cli {

std::string PluginsJson(const v1::ListPluginsResponse& list);
std::string PluginJson(const v1::Plugin& plugin);
std::string InstalledPluginJson(const v1::InstallPluginResponse& installed);
std::string VerifiedPluginsJson(const v1::VerifyPluginsResponse& verified);
std::string ReloadedPluginJson(const v1::ReloadPluginResponse& reloaded);
std::string DisabledPluginJson(const v1::DisablePluginResponse& disabled, bool enabled);

/// A line an instance, and one for each plugin without any; then the files that were refused.
std::string PluginsText(const v1::ListPluginsResponse& list, const Paint& paint);
std::string PluginText(const v1::Plugin& plugin, const Paint& paint);
std::string VerifiedPluginsText(const v1::VerifyPluginsResponse& verified, const Paint& paint);
std::string ReloadedPluginText(const v1::ReloadPluginResponse& reloaded);

/// As much of a digest as a person compares.
std::string ShortDigest(const std::string& sha256);

}  // namespace dcp::cli
