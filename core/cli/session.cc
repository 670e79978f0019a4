// SPDX-License-Identifier: Apache-2.0
//
// One invocation.
#include "cli/session.h"

#include "cli/exit_code.h"

namespace dcp::cli {

Result<std::unique_ptr<Session>> Session::Open(Io io, Arguments arguments, bool csv) {
  std::unique_ptr<Session> session(new Session(std::move(io), std::move(arguments)));
  const std::string color = session->arguments_.Text("color");
  if (!color.empty() && color != "auto" && color != "always" && color != "never") {
    return InvalidArgument("--color " + color + " is not known").WithHint("auto, always or never");
  }
  session->color_out_ = UseColor(session->io_, color, session->io_.out_is_terminal);
  session->color_err_ = UseColor(session->io_, color, session->io_.err_is_terminal);
  const std::string output = session->arguments_.Text("output");
  if (output == "json") {
    session->format_ = Format::kJson;
  } else if (output == "name") {
    session->format_ = Format::kName;
  } else if (output == "csv" && csv) {
    session->format_ = Format::kCsv;
  } else if (output == "csv") {
    return InvalidArgument("--output csv is for rows, and this command shows none")
        .WithHint("pretzel derived-dataset preview FILE -o csv");
  } else if (!output.empty() && output != "table") {
    return InvalidArgument("--output " + output + " is not known")
        .WithHint(csv ? "table, json, csv or name" : "table, json or name");
  }
  DCP_ASSIGN(session->context_, ReadContext(ContextPath(session->io_)));
  return session;
}

Status Session::SaveContext() { return WriteContext(ContextPath(io_), context_); }

Setting Session::endpoint() const {
  return EndpointSetting(io_, arguments_.Text("endpoint"), context_);
}

Result<Client*> Session::client() {
  if (client_ == nullptr) {
    const std::string address = endpoint().value;
    DCP_TRY(CheckEndpoint(address));  // before the token is even read
    Secret token(io_.env("PRETZEL_TOKEN"));
    if (token.empty()) {
      DCP_ASSIGN(token, ReadTokenFile(TokenFileSetting(io_, context_).value));
    }
    DCP_ASSIGN(client_, Client::Connect(address, token));
  }
  return client_.get();
}

Result<std::string> Session::NamedPlayground() const {
  const std::string& name = arguments_.Word(0);
  return name.empty() ? Playground() : Result<std::string>(name);
}

Result<std::string> Session::Playground() const {
  if (const auto flag = arguments_.Text("playground"); !flag.empty()) return flag;
  if (const auto set = io_.env("PRETZEL_PLAYGROUND"); !set.empty()) return set;
  if (!context_.playground.empty()) return context_.playground;
  return InvalidArgument("no playground is current, and none was named")
      .WithId("PZ0907")
      .WithHint("make one with pretzel playground create NAME, or add --playground NAME");
}

void Session::Print(const std::string& payload) const { *io_.out << payload << std::flush; }

void Session::Note(const std::string& text) const {
  if (!quiet()) *io_.err << Printable(text) << std::endl;
}

int Session::Fail(const Status& status) const {
  *io_.err << ErrorText(status, Paint(color_err_)) << std::flush;
  return ExitCodeOf(status.code());
}

}  // namespace dcp::cli
