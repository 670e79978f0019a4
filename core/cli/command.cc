// SPDX-License-Identifier: Apache-2.0
//
// The table of commands, and help made from it.
#include "cli/command.h"

#include <algorithm>

namespace dcp::cli {
namespace {

std::string FlagText(const Flag& flag) {
  std::string text = flag.letter != 0 ? std::string("-") + flag.letter + ", " : "    ";
  text += "--" + flag.name;
  if (flag.value.empty()) return text;
  return text + (flag.optional ? "[=" + flag.value + "]" : " " + flag.value);
}

std::string FlagsText(const std::vector<Flag>& flags) {
  size_t width = 0;
  for (const Flag& flag : flags) width = std::max(width, FlagText(flag).size());
  std::string text;
  for (const Flag& flag : flags) {
    std::string left = FlagText(flag);
    left.resize(width + 2, ' ');
    text += "  " + left + flag.help + "\n";
  }
  return text;
}

}  // namespace

std::vector<Command> AllCommands() {
  return {PlaygroundCreateCommand(),
          PlaygroundListCommand(),
          PlaygroundGetCommand(),
          PlaygroundUseCommand(),
          PlaygroundExtendCommand(),
          PlaygroundRestoreCommand(),
          PlaygroundUpdateCommand(),
          PlaygroundConnectCommand(),
          PlaygroundDeleteCommand(),
          ApplyCommand({"derived-dataset", "apply"}),
          TestCommand({"derived-dataset", "test"}),
          PreviewCommand({"derived-dataset", "preview"}),
          RunCommand({"derived-dataset", "run"}),
          ApplyCommand({"apply"}),
          TestCommand({"test"}),
          PreviewCommand({"preview"}),
          RunCommand({"run"}),
          RunListCommand(),
          RunGetCommand(),
          RunLogsCommand(),
          RunWaitCommand(),
          RunCancelCommand(),
          RunAbandonCommand(),
          PluginTopCommand(),
          PluginLogsCommand(),
          PluginDescribeCommand(),
          PluginNewCommand(),
          PluginListCommand(),
          PluginGetCommand(),
          PluginInstallCommand(),
          PluginVerifyCommand(),
          PluginReloadCommand(),
          PluginDisableCommand(),
          PluginEnableCommand(),
          ServiceRestartCommand(),
          DoctorCommand(),
          StatusCommand(),
          SweepCommand(),
          GcCommand(),
          WhoAmICommand(),
          ExplainCommand(),
          ConfigViewCommand(),
          ConfigReloadCommand(),
          CompletionCommand(),
          VersionCommand()};
}

std::vector<Flag> CommonFlags() {
  return {
      {"playground", 'p', "NAME", "act in this playground instead of the current one"},
      {"output", 'o', "FORMAT", "table (default), json or name; preview: csv, too"},
      {"endpoint", 0, "ADDRESS", "where dcpd listens: unix:/path or 127.0.0.1:PORT"},
      {"color", 0, "WHEN", "auto (default), always or never"},
      {"quiet", 'q', "", "no notes on stderr"},
      {"verbose", 'v', "", "each step on stderr"},
      {"help", 'h', "", "this text"},
  };
}

std::string PathText(const Command& command) {
  std::string text;
  for (const std::string& word : command.path) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string HelpOf(const Command& command) {
  std::string text = command.summary + "\n\nUsage: pretzel " + PathText(command);
  if (!command.arguments.empty()) text += " " + command.arguments;
  text += " [flags]\n";
  if (!command.details.empty()) text += "\n" + command.details + "\n";
  if (!command.flags.empty()) text += "\nFlags:\n" + FlagsText(command.flags);
  text += "\nFlags of every command:\n" + FlagsText(CommonFlags());
  return text + "\nExamples:\n" + command.examples;
}

std::string HelpOverview(const std::vector<Command>& commands, const std::string& noun) {
  std::string text = noun.empty()
                         ? "pretzel: safe playgrounds for datasets that Spark computes.\n\n"
                           "Usage: pretzel COMMAND [ARGUMENTS] [flags]\n\nCommands:\n"
                         : "Usage: pretzel " + noun + " COMMAND [ARGUMENTS] [flags]\n\nCommands:\n";
  size_t width = 0;
  const auto left = [](const Command& command) {
    return PathText(command) + (command.arguments.empty() ? "" : " " + command.arguments);
  };
  for (const Command& command : commands) width = std::max(width, left(command).size());
  for (const Command& command : commands) {
    if (!noun.empty() && command.path.front() != noun) continue;
    std::string line = left(command);
    line.resize(width + 2, ' ');
    text += "  " + line + command.summary + "\n";
  }
  if (noun.empty()) {
    text +=
        "\nAliases: pg for playground, dd for derived-dataset.\n"
        "A noun with a known verb wins: pretzel run list lists runs; a file of that name is "
        "./list.\n";
  }
  return text +
         "\nExamples:\n"
         "  pretzel playground create fin-123\n"
         "  pretzel derived-dataset apply B.yaml\n"
         "  pretzel derived-dataset test B.yaml\n"
         "  pretzel derived-dataset run B.yaml\n"
         "  pretzel COMMAND --help\n";
}

}  // namespace dcp::cli
