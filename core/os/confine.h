// SPDX-License-Identifier: Apache-2.0
//
// Programs in which other people's queries run: Spark, as a service or as a job. They start as
// `dcp-confine POLICY -- PROGRAM ARGUMENT...`, which gives up what the policy does not name and
// becomes the program. The policy is words of a command line: it names paths and ports, never a
// secret, and a command that is stored keeps its confinement.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/sandbox.h"

namespace dcp::os {

/// Ports that a list of `connect` may hold: each is a listener in a network of the program's own.
constexpr size_t kConnectPortsMax = 64;

/// What such a program keeps, beside what each program reads: processes of its own, IP sockets, the
/// files of its policy. No Unix socket, no signal to others, no mode of a file that lets others in.
struct Confinement {
  std::vector<std::string> read;   ///< files, or folders with all below
  std::vector<std::string> write;  ///< the same, also to be changed
  /// TCP ports that it may connect to, and then nothing but TCP; without a list: any.
  std::optional<std::vector<int>> connect;
  /// TCP ports that it may listen on; 0: whichever the kernel chooses. Empty: it does not listen.
  std::vector<int> listen;
  /// With `connect`: a network of its own, where only TCP to these ports of 127.0.0.1 leads out of
  /// it, for a program whose parts talk over other ports. Without: Landlock keeps it to the ports.
  bool own_network = false;
  /// The paths held no link when they were read: one that stands there now was put there since, and
  /// is not followed.
  bool resolved = false;
  friend bool operator==(const Confinement&, const Confinement&) = default;
};

/// The words that stand before a command's own: `program` is dcp-confine's path. With
/// `environment_fd` (-1: none) it starts the command with the environment that it reads there, and
/// not with its own.
std::vector<std::string> ConfineWords(const std::string& program, const Confinement& confinement,
                                      int environment_fd = -1);

/// dcp-confine's command line.
struct ConfineOrder {
  Confinement confinement;
  std::vector<std::string> attempts;  ///< "read:PATH", "write:FOLDER", "unix:PATH", "tcp:PORT",
                                      ///< "listen:PORT": tried, then the end
  int environment_fd = -1;            ///< where the command's environment stands; -1: its own
  std::vector<std::string> command;   ///< what to become
};
Result<ConfineOrder> ParseConfineWords(const std::vector<std::string>& words);

/// What the kernel had.
struct ConfineLayers {
  SandboxLayers sandbox;
  bool ports = true;    ///< false: a list of ports was asked for, and the kernel cannot keep to it
  std::string network;  ///< why it has no network of its own, though asked for
  bool modes = false;
  /// Empty, or which protection is missing and why.
  std::string Missing() const;
};

/// As EnterSandbox: no way back, one thread.
Result<ConfineLayers> EnterConfinement(const Confinement& confinement);

}  // namespace dcp::os
