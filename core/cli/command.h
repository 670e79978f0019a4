// SPDX-License-Identifier: Apache-2.0
//
// What a command is, and the table of all of them. Each verb has its own file under commands/.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/session.h"

namespace dcp::cli {

struct Command {
  std::vector<std::string> path;  ///< {"playground", "create"}
  std::string arguments = {};     ///< "[NAME]"
  std::string summary = {};
  std::string details = {};  ///< further lines of help
  std::vector<Flag> flags = {};
  std::string examples = {};
  size_t words_min = 0;
  size_t words_max = 0;
  bool csv = false;  ///< -o csv is one of its formats
  std::function<int(Session&)> run = {};
};

/// Words allowed where a command takes files.
inline constexpr size_t kWordsMany = 10'000;

std::vector<Command> AllCommands();
/// Flags that every command takes.
std::vector<Flag> CommonFlags();
/// "playground create"
std::string PathText(const Command& command);
std::string HelpOf(const Command& command);
/// The list of commands; those of one noun when `noun` is not empty.
std::string HelpOverview(const std::vector<Command>& commands, const std::string& noun);

// commands/playground/
Command PlaygroundCreateCommand();
Command PlaygroundListCommand();
Command PlaygroundGetCommand();
Command PlaygroundUseCommand();
Command PlaygroundExtendCommand();
Command PlaygroundRestoreCommand();
Command PlaygroundUpdateCommand();
Command PlaygroundDeleteCommand();
Command PlaygroundConnectCommand();
// commands/derived_dataset/; a short form is the same command under another path
Command ApplyCommand(std::vector<std::string> path);
Command TestCommand(std::vector<std::string> path);
Command PreviewCommand(std::vector<std::string> path);
Command RunCommand(std::vector<std::string> path);
// commands/plugin/
Command PluginLogsCommand();
Command PluginDescribeCommand();
Command PluginNewCommand();
Command PluginListCommand();
Command PluginGetCommand();
Command PluginInstallCommand();
Command PluginVerifyCommand();
Command PluginReloadCommand();
Command PluginDisableCommand();
Command PluginEnableCommand();
Command PluginTopCommand();
// commands/run/
Command RunListCommand();
Command RunGetCommand();
Command RunLogsCommand();
Command RunWaitCommand();
Command RunAbandonCommand();
Command RunCancelCommand();
// commands/system/
Command DoctorCommand();
Command ExplainCommand();
Command ServiceRestartCommand();
Command StatusCommand();
Command GcCommand();
Command SweepCommand();
Command WhoAmICommand();
Command VersionCommand();
Command ConfigViewCommand();
Command ConfigReloadCommand();
Command CompletionCommand();

}  // namespace dcp::cli
