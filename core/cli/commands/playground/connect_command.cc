// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground connect.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

/// Everything in it came from our own daemon, but it is pasted into a shell: quote it anyway.
std::string ShellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string PyIcebergText(const v1::ConnectPlaygroundResponse& connect) {
  return "# ~/.pyiceberg.yaml, or pass the same keys to load_catalog(\"" + connect.catalog() +
         "\", **{...})\ncatalog:\n  " + connect.catalog() +
         ":\n    type: rest\n    uri: " + connect.uri() +
         "\n    header.x-pretzel-token: " + connect.token() + "\n";
}

std::string SparkText(const v1::ConnectPlaygroundResponse& connect) {
  const std::string key = "spark.sql.catalog." + connect.catalog();
  return "# spark-defaults.conf, or --properties-file; needs the iceberg-spark-runtime jar\n" +
         key + " org.apache.iceberg.spark.SparkCatalog\n" + key + ".type rest\n" + key + ".uri " +
         connect.uri() + "\n" + key + ".rest.auth.type none\n" + key + ".header.x-pretzel-token " +
         connect.token() + "\n" + key + ".cache-enabled false\n";
}

std::string EnvText(const v1::ConnectPlaygroundResponse& connect) {
  return "export PRETZEL_CATALOG=" + ShellQuoted(connect.catalog()) +
         "\nexport PRETZEL_CATALOG_URI=" + ShellQuoted(connect.uri()) +
         "\nexport PRETZEL_CATALOG_TOKEN=" + ShellQuoted(connect.token()) + "\n";
}

int Connect(Session& session) {
  const std::string engine = session.arguments().Text("engine");
  if (!engine.empty() && engine != "pyiceberg" && engine != "spark" && engine != "env") {
    return session.Fail(InvalidArgument("--engine " + engine + " is not known")
                            .WithHint("pyiceberg, spark or env"));
  }
  v1::ConnectPlaygroundRequest request;
  const auto name = session.NamedPlayground();
  if (!name.ok()) return session.Fail(name.status());
  request.set_name(*name);
  request.set_write(session.arguments().Has("write"));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto connect = (*client)->ConnectPlayground(request);
  if (!connect.ok()) return session.Fail(connect.status());
  if (session.json()) {
    session.Print(ConnectJson(*connect));
  } else if (engine == "spark") {
    session.Print(SparkText(*connect));
  } else if (engine == "env") {
    session.Print(EnvText(*connect));
  } else {
    session.Print(PyIcebergText(*connect));
  }
  session.Note("the token is secret and good until " + TimeText(connect->expires_at_ms()) +
               (request.write() ? ", for reading and writing the playground" : ", for reading"));
  return kExitOk;
}

}  // namespace

Command PlaygroundConnectCommand() {
  return {.path = {"playground", "connect"},
          .arguments = "[NAME]",
          .summary = "Print what another engine needs to read the playground",
          .details =
              "The output holds a token: keep it to yourself. Tables have production's own "
              "names.",
          .flags = {{"engine", 0, "ENGINE", "pyiceberg (default), spark or env"},
                    {"write", 0, "", "a token that may also write the playground's own tables"}},
          .examples =
              "  pretzel playground connect --engine pyiceberg\n"
              "  eval \"$(pretzel playground connect fin-123 --engine env)\"\n",
          .words_max = 1,
          .run = Connect};
}

}  // namespace dcp::cli
