// SPDX-License-Identifier: Apache-2.0
//
// Paths that confined programs are given. What may write a folder decides what stands in it: a link
// put there must not decide what a program is given, its own or another one.
#pragma once

#include <functional>
#include <string>

#include "config/reader.h"
#include "daemon/settings.h"

namespace dcp::daemon {

/// `path`, absolute, without links, "." and "..". What of it is not there is kept as it is spelled.
/// `on_link` is told where each link stands, by a path without links.
std::string ResolveLinks(const std::string& path,
                         const std::function<void(const std::string& link)>& on_link = {});

/// Puts paths without links into the settings, and reports each that leads through a link which a
/// confined program may have made. The settings were read from `root`. What a link that is put
/// there later leads to is not opened (os::Confinement::resolved).
void ResolveGrantedPaths(const config::Section& root, Settings& settings);

}  // namespace dcp::daemon
