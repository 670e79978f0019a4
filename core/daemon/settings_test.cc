// SPDX-License-Identifier: Apache-2.0
#include "daemon/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "daemon/confinement.h"
#include "os/file.h"

namespace dcp::daemon {
namespace {

using testing::HasSubstr;

constexpr char kMinimal[] = R"(
state_dir: /var/lib/pretzel
secrets: [upstream]
ports: [catalog]
catalog:
  port: ${port.catalog}
  production: {uri: "http://127.0.0.1:1", secret: "${secret.upstream}"}
  overlay: {uri: "http://127.0.0.1:2", secret: "${secret.upstream}", warehouse: "file:///w"}
)";

References Known() {
  References known;
  known.state_dir = "/var/lib/pretzel";
  known.bin_dir = "/opt/pretzel/bin";
  known.secrets["upstream"] = Secret("hush");
  known.secret_files["upstream"] = "/var/lib/pretzel/secrets/upstream";
  known.ports["catalog"] = 4711;
  return known;
}

TEST(SettingsTest, SkeletonNeedsNothingThatIsMadeLater) {
  const auto skeleton = ReadSkeleton("dcpd.yaml", kMinimal, "/opt/pretzel/bin");
  ASSERT_TRUE(skeleton.ok()) << skeleton.status().ToString();
  EXPECT_EQ(skeleton->state_dir, "/var/lib/pretzel");
  EXPECT_EQ(skeleton->secrets, std::vector<std::string>{"upstream"});
  EXPECT_EQ(skeleton->ports, std::vector<std::string>{"catalog"});
}

TEST(SettingsTest, ReferencesResolveAndDefaultsHold) {
  const auto settings = ReadSettings("dcpd.yaml", kMinimal, Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->catalog.port, 4711);
  EXPECT_EQ(settings->catalog.name, "prod");
  EXPECT_EQ(settings->catalog.production.secret.Reveal(), "hush");
  EXPECT_EQ(settings->api.socket_path, "/var/lib/pretzel/run/dcpd.sock");
  EXPECT_EQ(settings->playground.default_ttl_ms, int64_t{72} * 3600 * 1000);
  EXPECT_EQ(settings->playground.tombstone_ms, int64_t{24} * 3600 * 1000);
  EXPECT_EQ(settings->sweep_every_ms, 900'000);
  EXPECT_EQ(settings->sweep_grace_ms, 3'600'000);
  EXPECT_EQ(settings->host.worker_program, "/opt/pretzel/bin/dcp-plugin-worker");
}

TEST(SettingsTest, OneUsersShareFollowsFromWhatThereIs) {
  auto settings = ReadSettings("dcpd.yaml", kMinimal, Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->catalog.production.limits.calls, 16);
  EXPECT_EQ(settings->catalog.production.limits.per_principal, 8);
  EXPECT_EQ(settings->catalog.overlay.limits.per_playground, 4);
  EXPECT_EQ(settings->api.calls_per_principal, 32);
  EXPECT_EQ(settings->runs_per_principal, 500);
  std::string text = kMinimal;
  text.replace(text.find("production: {"), 13, "production: {calls: 4, calls_per_playground: 1, ");
  text += "api: {max_concurrent: 6}\nruns: {per_principal: 3}\n";
  settings = ReadSettings("dcpd.yaml", text, Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->catalog.production.limits.calls, 4);
  EXPECT_EQ(settings->catalog.production.limits.per_principal, 2);
  EXPECT_EQ(settings->catalog.production.limits.per_playground, 1);
  EXPECT_EQ(settings->api.calls_per_principal, 3);
  EXPECT_EQ(settings->runs_per_principal, 3);
}

TEST(SettingsTest, PluginsRoutesAndServicesAreRead) {
  const std::string text = std::string(kMinimal) + R"(
plugins:
  directories: ["${bin_dir}/../plugins"]
  instances:
    - {id: shared, plugin: spark_connect, config: {endpoint: "127.0.0.1:${port.catalog}", sessionsMax: 3}}
    - {id: other, plugin: spark_runner, debug: wait}
  routes:
    test_backend:
      default: shared
      slow: other
      rules:
        - {playground: "fin-*", use: other}
        - {team: finance, environment: staging, use: shared}
services:
  - name: upstream
    command: [java, "${secret_file.upstream}"]
    env: {PATH: /bin}
    files: [{path: "${state_dir}/f", content: "token ${secret.upstream}"}]
    ready: 127.0.0.1:${port.catalog}
)";
  const auto settings = ReadSettings("dcpd.yaml", text, Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  ASSERT_EQ(settings->host.instances.size(), 2U);
  EXPECT_EQ(settings->host.instances[0].config_json.Reveal(),
            R"({"endpoint":"127.0.0.1:4711","sessionsMax":3})");
  const host::CapabilityRoutes& routes = settings->host.routes.at("test_backend");
  EXPECT_EQ(routes.named.at(""), "shared");
  EXPECT_EQ(routes.named.at("slow"), "other");
  EXPECT_FALSE(settings->host.instances[0].wait_for_debugger);
  EXPECT_TRUE(settings->host.instances[1].wait_for_debugger);
  EXPECT_EQ(routes.named.size(), 2U);
  EXPECT_EQ(routes.rules, (std::vector<host::RouteRule>{{"fin-*", "", "", "other"},
                                                        {"", "finance", "staging", "shared"}}));
  ASSERT_EQ(settings->services.size(), 1U);
  EXPECT_EQ(settings->services[0].ready_port, 4711);
  EXPECT_EQ(settings->services[0].files[0].content.Reveal(), "token hush");
  EXPECT_EQ(settings->services[0].command[1], "/var/lib/pretzel/secrets/upstream");
}

TEST(SettingsTest, MetricsAreOffUnlessAskedForAndStayOnThisMachine) {
  EXPECT_EQ(ReadSettings("dcpd.yaml", kMinimal, Known())->metrics_listen, "");
  const auto settings = ReadSettings(
      "dcpd.yaml", std::string(kMinimal) + "metrics: {listen: \"127.0.0.1:${port.catalog}\"}\n",
      Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->metrics_listen, "127.0.0.1:4711");
  const Status open =
      ReadSettings("dcpd.yaml", std::string(kMinimal) + "metrics: {listen: \"0.0.0.0:9464\"}\n",
                   Known())
          .status();
  EXPECT_EQ(open.location().line, 9);
  EXPECT_THAT(open.ToString(), HasSubstr("0.0.0.0:9464"));
  EXPECT_THAT(open.hint(), HasSubstr("127.0.0.1:PORT"));
}

TEST(SettingsTest, AWorkerIsConfinedUnlessToldOtherwise) {
  const std::string text = std::string(kMinimal) + R"(
plugins:
  deaths_max: 9
  deny_after: 0
  instances:
    - {id: plain, plugin: p}
    - id: granted
      plugin: p
      sandbox:
        {network: true, processes: true, unix_sockets: true, attributes: true, read: [/etc/acme],
         write: ["${state_dir}/x"], listen: ["0", "7000"]}
      limits: {memory: 1GiB, open_files: 64}
    - {id: free, plugin: p, sandbox: {enabled: false}, job_sandbox: {read: [/opt/e], write: [/w]}}
)";
  const auto settings = ReadSettings("dcpd.yaml", text, Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->host.deaths_max, 9);
  EXPECT_EQ(settings->host.deny_after, 0);
  const auto& instances = settings->host.instances;
  EXPECT_TRUE(instances[0].sandboxed);
  EXPECT_EQ(instances[0].sandbox,
            (os::SandboxPolicy{{}, {}, false, false, false, false, false, {}, true}));
  EXPECT_EQ(instances[0].limits, (host::WorkerLimits{int64_t{4} << 30, 1024}));
  EXPECT_EQ(
      instances[1].sandbox,
      (os::SandboxPolicy{
          {"/etc/acme"}, {"/var/lib/pretzel/x"}, true, true, true, true, false, {0, 7000}, true}));
  EXPECT_EQ(instances[1].limits, (host::WorkerLimits{int64_t{1} << 30, 64}));
  EXPECT_FALSE(instances[2].sandboxed);
  EXPECT_EQ(
      settings->instance_jobs,
      (std::map<std::string, os::Confinement>{{"free", {{"/opt/e"}, {"/w"}, std::nullopt, {}}}}));
}

TEST(SettingsTest, JobsAreConfinedUnlessToldOtherwiseAndServicesWhenTold) {
  const std::string services = R"(
services:
  - {name: free, command: [/bin/a], ready: "127.0.0.1:1"}
  - name: confined
    command: [/bin/b]
    directories: [/var/lib/b]
    files: [{path: /var/lib/b.conf, content: x}]
    sandbox: {read: [/opt/b], write: ["${state_dir}/x"], connect: ["8181", "9"], listen: ["8182"]}
    ready: 127.0.0.1:2
  - {name: alone, command: [/bin/c], sandbox: {connect: []}, ready: "127.0.0.1:3"}
)";
  auto settings = ReadSettings("dcpd.yaml", std::string(kMinimal) + services, Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  ASSERT_TRUE(settings->job_sandbox);
  EXPECT_EQ(*settings->job_sandbox, (os::Confinement{{}, {}, std::nullopt, {0}}));
  EXPECT_FALSE(settings->services[0].sandbox);
  ASSERT_TRUE(settings->services[1].sandbox);
  EXPECT_EQ(ConfinementOf(settings->services[1]),
            (os::Confinement{{"/opt/b", "/var/lib/b.conf"},
                             {"/var/lib/pretzel/x", "/var/lib/b"},
                             std::vector<int>{8181, 9},
                             {8182, 2},
                             false,
                             true}));
  EXPECT_EQ(settings->services[2].sandbox->connect, std::vector<int>{});
  EXPECT_EQ(ConfinementOf(settings->services[2]).listen, std::vector<int>{3});
  EXPECT_FALSE(settings->services[2].sandbox->own_network) << "others reach a service";

  settings = ReadSettings(
      "dcpd.yaml", std::string(kMinimal) + "runs: {sandbox: {read: [/opt/venv]}}\n", Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->job_sandbox->read, std::vector<std::string>{"/opt/venv"});
  EXPECT_FALSE(settings->job_sandbox->connect);
  EXPECT_FALSE(settings->job_sandbox->own_network);
  EXPECT_EQ(settings->job_sandbox->listen, std::vector<int>{0});
  settings =
      ReadSettings("dcpd.yaml", std::string(kMinimal) + "runs: {sandbox: {listen: []}}\n", Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->job_sandbox->listen, std::vector<int>{});
  settings = ReadSettings(
      "dcpd.yaml", std::string(kMinimal) + "runs: {sandbox: {connect: [\"8181\"]}}\n", Known());
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->job_sandbox->connect, std::vector<int>{8181});
  EXPECT_TRUE(settings->job_sandbox->own_network);
  settings = ReadSettings("dcpd.yaml",
                          std::string(kMinimal) + "runs: {sandbox: {enabled: false}}\n", Known());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_FALSE(settings->job_sandbox);
  for (const char* wrong : {"read: [opt]", "write: [\"\"]", "connect: [\"0\"]",
                            "connect: [\"65536\"]", "connect: [http]", "listen: [\"-1\"]",
                            "listen: [\"65536\"]", "listen: [\"\"]", "conect: [1]"}) {
    const Status status =
        ReadSettings("dcpd.yaml", std::string(kMinimal) + "runs: {sandbox: {" + wrong + "}}\n",
                     Known())
            .status();
    EXPECT_EQ(status.location().line, 9) << wrong << ": " << status.ToString();
  }
}

TEST(SettingsTest, APortHasOneListener) {
  const auto refused = [](const std::string& jobs, const std::string& service,
                          const std::string& plugin) {
    const std::string text = std::string(kMinimal) +
                             "metrics: {listen: \"127.0.0.1:9464\"}\n"
                             "services:\n"
                             "  - {name: a, command: [/bin/a], ready: \"127.0.0.1:8181\"}\n"
                             "  - {name: b, command: [/bin/b], ready: \"127.0.0.1:8182\", "
                             "sandbox: {listen: [" +
                             service +
                             "]}}\n"
                             "runs: {sandbox: {listen: [" +
                             jobs +
                             "]}}\n"
                             "plugins: {instances: [{id: c, plugin: p, sandbox: {network: true, "
                             "listen: [" +
                             plugin + "]}}]}\n";
    const auto settings = ReadSettings("dcpd.yaml", text, Known());
    return settings.ok() ? std::string() : settings.status().ToString();
  };
  EXPECT_EQ(refused("'0', '7001'", "'8182', '7002', '0'", "'0', '7003'"), "");
  EXPECT_THAT(refused("'8181'", "", ""), HasSubstr("port 8181 of jobs is that of service a"));
  EXPECT_THAT(refused("", "'8181'", ""), HasSubstr("port 8181 of service b is that of service a"));
  EXPECT_THAT(refused("", "", "'9464'"),
              HasSubstr("port 9464 of plugin c is that of metrics.listen"));
  EXPECT_THAT(refused("'7002'", "'7002'", ""), HasSubstr("port 7002 of jobs is that of service b"));
  EXPECT_THAT(refused("", "", "'7001', http"), HasSubstr("\"http\" is no port"));
}

TEST(SettingsTest, AJobGetsItsPlaygroundsPartAndNoMore) {
  char pattern[] = "/tmp/dcp-rooms-XXXXXX";
  const std::string folder = ::mkdtemp(pattern);
  ASSERT_TRUE(os::MakeDirectories(folder + "/production").ok());
  const JobRooms rooms = {{{"/opt/venv"}, {}, std::nullopt, {0}},
                          folder + "/production",
                          folder + "/overlay",
                          {{"/opt/engine"}, {"/var/cache/engine"}, std::nullopt, {}}};
  const std::string part = folder + "/overlay/pg/a-2";
  // A test makes nothing.
  const auto early = ConfinementOf(rooms, {"a", 2, false, "/jobs/r", "i", {}});
  ASSERT_TRUE(early.ok()) << early.status().ToString();
  EXPECT_EQ(early->read,
            (std::vector<std::string>{"/opt/venv", "/opt/engine", folder + "/production"}));
  EXPECT_FALSE(os::Exists(folder + "/overlay"));
  const auto writes = ConfinementOf(rooms, {"a", 2, true, "/jobs/r", "i", {}});
  ASSERT_TRUE(writes.ok()) << writes.status().ToString();
  EXPECT_EQ(*writes, (os::Confinement{{"/opt/venv", "/opt/engine", folder + "/production"},
                                      {"/var/cache/engine", "/jobs/r", part},
                                      std::nullopt,
                                      {0},
                                      false,
                                      true}));
  EXPECT_TRUE(os::IsFolder(part));
  const auto reads = ConfinementOf(rooms, {"a", 2, false, "/jobs/r", "i", {}});
  ASSERT_TRUE(reads.ok()) << reads.status().ToString();
  EXPECT_EQ(*reads, (os::Confinement{{"/opt/venv", "/opt/engine", folder + "/production", part},
                                     {"/var/cache/engine", "/jobs/r"},
                                     std::nullopt,
                                     {0},
                                     false,
                                     true}));
  // Warehouses elsewhere are no matter of files.
  const auto remote = ConfinementOf({{}, "", "", {}}, {"a", 2, true, "/j", "i", {}});
  ASSERT_TRUE(remote.ok()) << remote.status().ToString();
  EXPECT_EQ(*remote, (os::Confinement{{}, {"/j"}, std::nullopt, {}, false, true}));
  ASSERT_TRUE(os::RemoveTree(folder).ok());
}

TEST(SettingsTest, MistakesNameTheirPlaceAndTheNearestWord) {
  struct Case {
    const char* extra;
    const char* message;
  };
  const Case cases[] = {
      {"playgruond: {default_ttl: 1h}\n", "dcpd.yaml:9:1"},
      {"playground: {default_ttl: soon}\n", "dcpd.yaml:9:27"},
      {"playground: {tombstone_period: 31d}\n", "dcpd.yaml:9:32"},
      {"playground: {tombstone_period: -1s}\n", "dcpd.yaml:9:32"},
      {"api: {socket: \"${port.catalgo}\"}\n", "did you mean \"catalog\""},
      {"api: {socket: \"${nothing}\"}\n", "is no reference"},
      {"api: {socket: \"${env.PRETZEL_NO_SUCH_VARIABLE}\"}\n",
       "PRETZEL_NO_SUCH_VARIABLE is not set"},
      {"services: [{name: a, command: [x], ready: nowhere}]\n", "is no address"},
      {"services: [{name: a, command: [], ready: \"h:1\"}]\n", "has no command"},
      {"janitor: {grace: 999ms}\n", "dcpd.yaml:9:18"},
      {"janitor: {graze: 1h}\n", "did you mean `grace`"},
      {"recycle: {service: nobody}\n", "no service \"nobody\""},
      {"plugins: {instances: [{id: a, plugin: b, sandbox: {read: [etc]}}]}\n",
       "\"etc\" is no absolute path"},
      {"plugins: {instances: [{id: a, plugin: b, job_sandbox: {write: [tmp]}}]}\n",
       "\"tmp\" is no absolute path"},
      {"plugins: {instances: [{id: a, plugin: b, job_sandbox: {enabled: false}}]}\n",
       "dcpd.yaml:9:56"},
      {"plugins: {instances: [{id: a, plugin: b, isolation: in_process, sandbox: {network: "
       "true}}]}\n",
       "isolation in_process gives no protection of its own"},
      {"plugins: {instances: [{id: a, plugin: b, isolation: in_process, limits: {memory: "
       "1GiB}}]}\n",
       "remove `limits`, or use isolation: worker"},
      {"plugins: {instances: [{id: a, plugin: b, limits: {memory: 63MiB}}]}\n", "dcpd.yaml:9:59"},
      {"plugins: {instances: [{id: a, plugin: b, limits: {open_files: 15}}]}\n", "dcpd.yaml:9:63"},
      {"plugins: {instances: [{id: a, plugin: b, sandbox: {netwrok: true}}]}\n",
       "did you mean `network`"},
      {"plugins: {instances: [{id: a, plugin: b, sandbox: {listen: [\"0\"]}}]}\n",
       "without a network"},
      {"plugins: {directories: [], instances: [{id: a, plugin: x, debug: wat}]}\n", "debug"},
      {"plugins: {directories: [], instances: [{id: a, plugin: x, debug: wait, "
       "isolation: in_process}]}\n",
       "no worker that could wait for a debugger"},
  };
  for (const auto& each : cases) {
    const auto settings = ReadSettings("dcpd.yaml", kMinimal + std::string(each.extra), Known());
    ASSERT_FALSE(settings.ok()) << each.extra;
    EXPECT_THAT(settings.status().ToString(), HasSubstr(each.message));
    EXPECT_THAT(settings.status().ToString(), testing::Not(HasSubstr("hush")));
  }
}

TEST(SettingsTest, RoutesThatLeadNowhereAreToldByTheirPlace) {
  const std::string head =
      std::string(kMinimal) +
      "plugins:\n  directories: []\n  instances:\n    - {id: shared, plugin: x}\n"
      "  routes:\n";
  const auto line = std::count(head.begin(), head.end(), '\n') + 1;
  const struct {
    const char* routes;
    int column;
    const char* message;
  } cases[] = {
      {"    test_backend: {default: sharedd}\n", 29,
       "there is no plugin instance \"sharedd\" (hint: did you mean \"shared\"?)"},
      {"    test_backend: {rules: [{team: a, use: nobody}]}\n", 43,
       "there is no plugin instance \"nobody\""},
      {"    test_backend: {rules: [{use: shared}]}\n", 34, "without a condition"},
      {"    test_backend: {rules: [{user: a, use: shared}]}\n", 29, "unknown key"},
      {"    test_backend: {rules: [{team: a}]}\n", 28, "use"},
      {"    test_backend: {rules: {team: a}}\n", 27, "must be a list"},
  };
  for (const auto& c : cases) {
    const auto settings = ReadSettings("dcpd.yaml", head + c.routes, Known());
    ASSERT_FALSE(settings.ok()) << c.routes;
    const std::string place =
        "dcpd.yaml:" + std::to_string(line) + ":" + std::to_string(c.column) + ": ";
    EXPECT_THAT(settings.status().ToString(), HasSubstr(place)) << c.routes;
    EXPECT_THAT(settings.status().ToString(), HasSubstr(c.message)) << c.routes;
  }
  const auto twice = ReadSettings(
      "dcpd.yaml",
      std::string(kMinimal) + "plugins: {instances: [{id: a, plugin: x}, {id: a, plugin: y}]}\n",
      Known());
  EXPECT_THAT(twice.status().ToString(), HasSubstr("\"a\" is there twice"));
}

TEST(SettingsTest, TheLimitOfRouteRulesHolds) {
  const auto read = [](size_t rules) {
    std::string text = std::string(kMinimal) +
                       "plugins:\n  directories: []\n  instances:\n    - {id: shared, plugin: x}\n"
                       "  routes:\n    test_backend:\n      rules:\n";
    for (size_t i = 0; i < rules; ++i) text += "      - {team: a, use: shared}\n";
    return ReadSettings("dcpd.yaml", text, Known()).status();
  };
  EXPECT_TRUE(read(host::kRouteRulesMax).ok()) << read(host::kRouteRulesMax).ToString();
  EXPECT_THAT(read(host::kRouteRulesMax + 1).ToString(), HasSubstr("1001 route rules"));
}

TEST(SettingsTest, StateMustBeAnAbsolutePath) {
  const auto skeleton = ReadSkeleton("dcpd.yaml", "state_dir: here\n", "/b");
  ASSERT_FALSE(skeleton.ok());
  EXPECT_THAT(skeleton.status().ToString(), HasSubstr("dcpd.yaml:1:12"));
}

}  // namespace
}  // namespace dcp::daemon
