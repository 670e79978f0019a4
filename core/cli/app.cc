// SPDX-License-Identifier: Apache-2.0
//
// The program: from a command line to a command.
#include "cli/app.h"

#include <algorithm>
#include <set>

#include "base/id.h"
#include "cli/command.h"
#include "cli/exit_code.h"

namespace dcp::cli {
namespace {

/// Flags may stand in front of the command; they move behind its words.
std::vector<std::string> CommandFirst(const std::vector<std::string>& line) {
  std::set<std::string> with_value;
  for (const Flag& flag : CommonFlags()) {
    if (flag.value.empty()) continue;
    with_value.insert("--" + flag.name);
    if (flag.letter != 0) with_value.insert(std::string("-") + flag.letter);
  }
  std::vector<std::string> front;
  size_t at = 0;
  while (at < line.size() && line[at].size() > 1 && line[at].front() == '-') {
    const bool takes_next = with_value.contains(line[at]);
    front.push_back(line[at++]);
    if (takes_next && at < line.size()) front.push_back(line[at++]);
  }
  std::vector<std::string> ordered(line.begin() + static_cast<ptrdiff_t>(at), line.end());
  // After the first words, so that "--" further on still ends the flags.
  const auto first_flag = std::find_if(ordered.begin(), ordered.end(), [](const std::string& word) {
    return !word.empty() && word.front() == '-';
  });
  ordered.insert(first_flag, front.begin(), front.end());
  return ordered;
}

const Command* Find(const std::vector<Command>& commands, const std::vector<std::string>& line) {
  const Command* best = nullptr;
  for (const Command& command : commands) {
    const auto& path = command.path;
    const bool starts =
        line.size() >= path.size() && std::equal(path.begin(), path.end(), line.begin());
    if (starts && (best == nullptr || path.size() > best->path.size())) best = &command;
  }
  return best;
}

Status UnknownCommand(const std::vector<Command>& commands, const std::vector<std::string>& line) {
  std::set<std::string> nouns;
  std::set<std::string> verbs;
  for (const Command& command : commands) {
    nouns.insert(command.path.front());
    if (command.path.size() > 1 && command.path.front() == line.front()) {
      verbs.insert(command.path[1]);
    }
  }
  const bool known_noun = nouns.contains(line.front());
  const std::string given = known_noun ? line[1] : line.front();
  const std::string nearest = Nearest(given, known_noun ? verbs : nouns);
  const std::string prefix = known_noun ? line.front() + " " : std::string();
  return InvalidArgument("unknown command \"" + prefix + given.substr(0, 80) + "\"")
      .WithHint(nearest.empty() ? "pretzel " + prefix + "--help lists the commands"
                                : "did you mean \"pretzel " + prefix + nearest + "\"?");
}

int Refuse(const Io& io, const Status& status) {
  *io.err << ErrorText(status, Paint(UseColor(io, "", io.err_is_terminal))) << std::flush;
  return ExitCodeOf(status.code());
}

bool WantsHelp(const std::vector<std::string>& line) {
  for (const std::string& word : line) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

Status CheckWords(const Command& command, const Arguments& arguments) {
  const size_t count = arguments.words().size();
  if (count < command.words_min) {
    return InvalidArgument("pretzel " + PathText(command) + " needs " + command.arguments)
        .WithHint("pretzel " + PathText(command) + " --help shows examples");
  }
  if (count > command.words_max) {
    return InvalidArgument("pretzel " + PathText(command) + " does not take \"" +
                           arguments.Word(command.words_max).substr(0, 80) + "\"")
        .WithHint("pretzel " + PathText(command) + " --help shows examples");
  }
  return {};
}

int Invoke(const Io& io, const Command& command, const std::vector<std::string>& rest) {
  std::vector<Flag> flags = command.flags;
  const std::vector<Flag> common = CommonFlags();
  flags.insert(flags.end(), common.begin(), common.end());
  auto arguments = ParseArguments(flags, rest);
  if (!arguments.ok()) return Refuse(io, arguments.status());
  if (const Status words = CheckWords(command, *arguments); !words.ok()) return Refuse(io, words);
  const auto session = Session::Open(io, std::move(*arguments), command.csv);
  if (!session.ok()) return Refuse(io, session.status());
  return command.run(**session);
}

}  // namespace

int Main(const Io& io, std::vector<std::string> line) {
  line = CommandFirst(line);
  if (!line.empty() && line.front() == "help") {
    line.erase(line.begin());
    line.emplace_back("--help");
  }
  if (!line.empty() && line.front() == "--version") line = {"version"};
  if (!line.empty() && line.front() == "pg") line.front() = "playground";
  if (!line.empty() && line.front() == "dd") line.front() = "derived-dataset";
  const std::vector<Command> commands = AllCommands();
  const Command* command = Find(commands, line);
  const bool help = WantsHelp(line);
  if (command != nullptr) {
    if (help) {
      *io.out << HelpOf(*command) << std::flush;
      return kExitOk;
    }
    return Invoke(io, *command,
                  {line.begin() + static_cast<ptrdiff_t>(command->path.size()), line.end()});
  }
  const std::string first =
      line.empty() || line.front().starts_with('-') ? std::string() : line.front();
  const bool noun = std::any_of(commands.begin(), commands.end(),
                                [&](const Command& known) { return known.path.front() == first; });
  const bool bare = first.empty() || (noun && (line.size() == 1 || line[1].starts_with('-')));
  if (!bare) return Refuse(io, UnknownCommand(commands, line));
  (help ? *io.out : *io.err) << HelpOverview(commands, noun ? first : "") << std::flush;
  return help ? kExitOk : kExitUsage;
}

}  // namespace dcp::cli
