// SPDX-License-Identifier: Apache-2.0
//
// For tests of this room and of the CLI: a server on a real Unix socket in a private folder of its
// own, over a real store, with the fake runner behind it. Two principals: ana (token "ana-token")
// and bo ("bo-token"), who is an operator.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "api/auth.h"
#include "api/server.h"
#include "api/testing/fakes.h"
#include "base/id.h"
#include "store/testing.h"

namespace dcp::api::testing {

inline constexpr char kPrincipalLines[] =
    R"({"user":"ana","team":"finance","environment":"dev","token_sha256":)"
    R"("fdb19af2cd8f3f7de8c00cbdd4c4838366cbe4fa2e7ae38ba7f5847e75ad4bb5"})"
    "\n"
    R"({"user":"bo","team":"ops","environment":"dev","role":"operator","token_sha256":)"
    R"("fc45fc0f414b0a9baf9036b20be638112f27c6865d088a3959c8a3b93de3ad90"})"
    "\n";

/// Members are public: a test looks at, and changes, what it is about.
class Daemon {
 public:
  Daemon() {
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    store = store::OpenCounting(folder + "/state.db").value();
    playgrounds = std::make_unique<playground::Playgrounds>(*store, clock, playground::Limits());
    runner = std::make_unique<FakeRunner>(*store, clock);
    principals =
        std::make_unique<Principals>(Principals::Parse(kPrincipalLines, "principals").value());
    settings.socket_path = folder + "/dcpd.sock";
    settings.version = "1.2.3";
    deps.store = store.get();
    deps.playgrounds = playgrounds.get();
    deps.runner = runner.get();
    deps.catalog = &catalog;
    deps.tokens = &tokens;
    deps.purge_at = [](const store::Playground& playground) {
      return playground.expires_at + 24 * 3'600'000;
    };
    deps.principals = principals.get();
    deps.clock = &clock;
  }
  ~Daemon() {
    server.reset();
    runner.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }
  Status Start() {
    DCP_ASSIGN(server, Server::Start(settings, deps));
    return {};
  }
  std::string target() const { return "unix:" + settings.socket_path; }

  const std::string folder = "/tmp/dcp-api-" + RandomHex(6);  // short: socket paths are bounded
  ManualClock clock;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<playground::Playgrounds> playgrounds;
  std::unique_ptr<FakeRunner> runner;
  FakeCatalog catalog;
  catalog::Tokens tokens{Secret(std::string(32, 'k'))};
  std::unique_ptr<Principals> principals;
  Settings settings;
  Deps deps;
  std::unique_ptr<Server> server;
};

}  // namespace dcp::api::testing
