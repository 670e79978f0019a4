// SPDX-License-Identifier: Apache-2.0
//
// One invocation: its streams, its flags, its context, and the client when a command wants one.
#pragma once

#include <memory>
#include <string>

#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/context_file.h"
#include "cli/io.h"
#include "cli/render/text.h"

namespace dcp::cli {

enum class Format { kTable, kJson, kName, kCsv };

class Session {
 public:
  /// `csv`: whether the command has that format.
  static Result<std::unique_ptr<Session>> Open(Io io, Arguments arguments, bool csv = false);

  const Io& io() const { return io_; }
  const Arguments& arguments() const { return arguments_; }
  Format format() const { return format_; }
  bool json() const { return format_ == Format::kJson; }
  bool verbose() const { return arguments_.Has("verbose"); }
  bool quiet() const { return arguments_.Has("quiet"); }
  Paint paint() const { return Paint(color_out_); }

  Context& context() { return context_; }
  Status SaveContext();
  Setting endpoint() const;
  /// Connects at the first use.
  Result<Client*> client();
  /// --playground over PRETZEL_PLAYGROUND over the current one.
  Result<std::string> Playground() const;
  /// The first argument, where it is given, over those.
  Result<std::string> NamedPlayground() const;

  void Print(const std::string& payload) const;  ///< stdout
  void Note(const std::string& text) const;      ///< stderr, a line, unless --quiet
  int Fail(const Status& status) const;          ///< stderr; answers the exit code

 private:
  Session(Io io, Arguments arguments) : io_(std::move(io)), arguments_(std::move(arguments)) {}

  Io io_;
  Arguments arguments_;
  Format format_ = Format::kTable;
  bool color_out_ = false;
  bool color_err_ = false;
  Context context_;
  std::unique_ptr<Client> client_;
};

}  // namespace dcp::cli
