// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin new: a project of a plugin from the SDK's templates. Asks no daemon.
#include <algorithm>
#include <set>

#include "base/id.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/templates.h"

namespace dcp::cli {
namespace {

std::string Joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// "kind/lang" of all, for the message of a pair that is not there.
Status NoSuchTemplate(const std::string& kind, const std::string& lang,
                      const std::vector<Template>& all) {
  std::set<std::string> kinds;
  std::set<std::string> langs;
  for (const Template& each : all) {
    kinds.insert(each.kind);
    if (each.kind == kind) langs.insert(each.lang);
  }
  if (langs.empty()) {
    return InvalidArgument("there is no kind \"" + kind.substr(0, 80) + "\" of plugin")
        .WithHint("kinds with a template: " + Joined(kinds));
  }
  return InvalidArgument("there is no template of a " + kind + " in \"" + lang.substr(0, 80) + "\"")
      .WithHint("there is one in " + Joined(langs));
}

/// What to type next; the first line of each template's README says more.
std::string NextSteps(const std::string& lang, const std::string& name,
                      const std::string& directory) {
  std::string build = "cmake -B build && cmake --build build";
  std::string test = "ctest --test-dir build --output-on-failure";
  if (lang == "rust") {
    build = "cargo build --release";
    test = "cargo test";
  } else if (lang == "go") {
    build = "make " + name + ".so";
    test = "make test";
  }
  return "  cd " + directory + "\n  " + build + "\n  " + test + "\n";
}

int New(Session& session) {
  const Arguments& given = session.arguments();
  const std::string name = given.Word(0);
  if (!IsPluginName(name)) {
    return session.Fail(InvalidArgument("\"" + name.substr(0, 80) + "\" is no name for a plugin")
                            .WithHint("small letters, digits and _, a letter first, at most 64"));
  }
  for (const char* flag : {"kind", "lang"}) {
    if (!given.Has(flag)) {
      return session.Fail(
          InvalidArgument(std::string("pretzel plugin new needs --") + flag)
              .WithHint("pretzel plugin new " + name + " --kind run_backend --lang cpp"));
    }
  }
  const auto folder = TemplateFolder(given.Text("sdk"));
  if (!folder.ok()) return session.Fail(folder.status());
  const auto all = ListTemplates(*folder);
  if (!all.ok()) return session.Fail(all.status());
  const std::string kind = given.Text("kind");
  const std::string lang = given.Text("lang");
  const auto found = std::find_if(all->begin(), all->end(), [&](const Template& each) {
    return each.kind == kind && each.lang == lang;
  });
  if (found == all->end()) return session.Fail(NoSuchTemplate(kind, lang, *all));
  const std::string directory = given.Has("directory") ? given.Text("directory") : name;
  const Status copied = CopyTemplate(*found, name, directory);
  if (!copied.ok()) return session.Fail(copied);
  session.Note("made " + directory + ": a " + kind + " in " + lang + "; next:");
  session.Print(NextSteps(lang, name, directory));
  return kExitOk;
}

}  // namespace

Command PluginNewCommand() {
  return {.path = {"plugin", "new"},
          .arguments = "NAME",
          .summary = "Begin a plugin from a template of the SDK",
          .details =
              "There are run_backend in c, cpp, rust and go, test_backend and resource in c "
              "and cpp.\nNAME is the plugin's id. Asks no daemon.",
          .flags = {{"kind", 0, "KIND", "run_backend, test_backend or resource"},
                    {"lang", 0, "LANG", "c, cpp, rust or go"},
                    {"directory", 0, "FOLDER", "new or empty; default: NAME"},
                    {"sdk", 0, "PREFIX", "where the SDK is installed; default: with this program"}},
          .examples =
              "  pretzel plugin new my_backend --kind run_backend --lang cpp\n"
              "  pretzel plugin new my_backend --kind run_backend --lang rust "
              "--directory backend\n",
          .words_min = 1,
          .words_max = 1,
          .run = New};
}

}  // namespace dcp::cli
