// SPDX-License-Identifier: Apache-2.0
//
// Connects a program that has a network of its own (own_network.h) with listed ports of this
// machine's loopback. A process of its own, `dcp-confine --forward PORT...`, which stays in the
// network of who started the program. It has neither files nor environment nor secrets, connects
// to those ports alone, and ends with the program.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "os/confine.h"

namespace dcp::os {

/// Descriptors that it is started with: a pidfd of the program, and a socket over which it is sent
/// one listening socket for each port, in one message, and says kForwarderReady.
constexpr int kForwarderProgramFd = 3;
constexpr int kForwarderChannelFd = 4;
constexpr char kForwarderReady = 'r';
/// Its word on the command line.
inline constexpr char kForwarderOption[] = "--forward";
/// Fits into one message (SCM_MAX_FD is 253); a job needs a catalog and perhaps a few more.
constexpr size_t kForwardedPortsMax = kConnectPortsMax;

/// The forwarder's whole life, after a fork that leaves it without a parent among the program and
/// its children. The exit status. `ports`: words of the command line.
int RunForwarder(const std::vector<std::string>& ports);

}  // namespace dcp::os
