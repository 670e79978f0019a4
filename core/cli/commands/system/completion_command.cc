// SPDX-License-Identifier: Apache-2.0
//
// pretzel completion.
#include <map>
#include <set>

#include "cli/command.h"
#include "cli/exit_code.h"

namespace dcp::cli {
namespace {

std::string Words(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Static: nouns, verbs and flags from the table of commands; files everywhere else.
std::string BashScript() {
  std::set<std::string> first = {"pg", "dd", "help"};
  std::map<std::string, std::set<std::string>> verbs;
  std::set<std::string> flags;
  for (const Flag& flag : CommonFlags()) flags.insert("--" + flag.name);
  for (const Command& command : AllCommands()) {
    first.insert(command.path.front());
    if (command.path.size() > 1) verbs[command.path[0]].insert(command.path[1]);
    for (const Flag& flag : command.flags) flags.insert("--" + flag.name);
  }
  verbs["pg"] = verbs["playground"];
  verbs["dd"] = verbs["derived-dataset"];
  std::string script =
      "# bash completion for pretzel; load it with: source <(pretzel completion bash)\n"
      "_pretzel() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} words=\"\"\n"
      "  if [[ $word == -* ]]; then\n"
      "    words=\"" +
      Words(flags) +
      "\"\n"
      "  elif [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    words=\"" +
      Words(first) +
      "\"\n"
      "  elif [[ $COMP_CWORD -eq 2 ]]; then\n"
      "    case ${COMP_WORDS[1]} in\n";
  for (const auto& [noun, names] : verbs) {
    script += "      " + noun + ") words=\"" + Words(names) + "\" ;;\n";
  }
  return script +
         "    esac\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _pretzel pretzel\n";
}

int Complete(Session& session) {
  const std::string shell = session.arguments().Word(0);
  if (shell != "bash") {
    return session.Fail(InvalidArgument("there is no completion for \"" + shell + "\" yet")
                            .WithHint("pretzel completion bash"));
  }
  session.Print(BashScript());
  return kExitOk;
}

}  // namespace

Command CompletionCommand() {
  return {.path = {"completion"},
          .arguments = "bash",
          .summary = "Print a completion script for the shell",
          .examples = "  source <(pretzel completion bash)\n",
          .words_min = 1,
          .words_max = 1,
          .run = Complete};
}

}  // namespace dcp::cli
