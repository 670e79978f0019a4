// SPDX-License-Identifier: Apache-2.0
//
// The API over a real Unix socket.
#include "api/server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <latch>
#include <nlohmann/json.hpp>
#include <thread>

#include "api/delete_playground.h"
#include "api/socket_path.h"
#include "api/testing/fixture.h"
#include "base/limits.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

using grpc::StatusCode;

class ServerTest : public ::testing::Test {
 protected:
  void Start() {
    const Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    channel_ = grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials());
    playgrounds_ = v1::Playgrounds::NewStub(channel_);
    runs_ = v1::Runs::NewStub(channel_);
    system_ = v1::System::NewStub(channel_);
  }
  static std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return context;
  }
  static std::unique_ptr<grpc::ClientContext> Ana() { return As("ana-token"); }
  static std::unique_ptr<grpc::ClientContext> Bo() { return As("bo-token"); }

  void MakePlayground(const std::string& name) {
    v1::CreatePlaygroundRequest request;
    request.set_name(name);
    v1::Playground made;
    const auto status = playgrounds_->CreatePlayground(Ana().get(), request, &made);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  static v1::StartRunRequest TestOf(const std::string& playground) {
    v1::StartRunRequest request;
    request.set_playground(playground);
    request.set_command("test");
    request.add_manifests()->set_path("B.yaml");
    request.mutable_manifests(0)->set_content("kind: DerivedDataset\n");
    (*request.mutable_options()->mutable_fields())["mode"].set_string_value("schema");
    request.set_client_token("t1");
    return request;
  }
  std::string StartTest(const std::string& playground) {
    v1::Run run;
    const auto status = runs_->StartRun(Ana().get(), TestOf(playground), &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run.id();
  }

  testing::Daemon daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Playgrounds::Stub> playgrounds_;
  std::unique_ptr<v1::Runs::Stub> runs_;
  std::unique_ptr<v1::System::Stub> system_;
};

TEST_F(ServerTest, EveryCallNeedsAToken) {
  Start();
  for (const std::string token : {"", "wrong"}) {
    v1::Playground playground;
    v1::ListPlaygroundsResponse list;
    v1::ConnectPlaygroundResponse connect;
    v1::Run run;
    v1::ListRunsResponse runs;
    v1::RunEvent event;
    v1::LogChunk chunk;
    v1::WhoAmIResponse who;
    v1::GetStatusResponse state;
    v1::DoctorResponse doctor;
    v1::ReloadResponse reload;
    v1::DeletionPreview preview;
    v1::SweepResponse sweep;
    v1::AbandonRunResponse abandoned;
    auto watch_context = As(token);
    const auto watch = runs_->WatchRun(watch_context.get(), {});
    EXPECT_FALSE(watch->Read(&event));
    auto logs_context = As(token);
    const auto logs = runs_->GetRunLogs(logs_context.get(), {});
    EXPECT_FALSE(logs->Read(&chunk));
    const std::vector<grpc::Status> answers = {
        playgrounds_->CreatePlayground(As(token).get(), {}, &playground),
        playgrounds_->GetPlayground(As(token).get(), {}, &playground),
        playgrounds_->ListPlaygrounds(As(token).get(), {}, &list),
        playgrounds_->DeletePlayground(As(token).get(), {}, &run),
        playgrounds_->ExtendPlayground(As(token).get(), {}, &playground),
        playgrounds_->UpdatePlayground(As(token).get(), {}, &playground),
        playgrounds_->PreviewDeletePlayground(As(token).get(), {}, &preview),
        playgrounds_->ConnectPlayground(As(token).get(), {}, &connect),
        runs_->StartRun(As(token).get(), {}, &run),
        runs_->GetRun(As(token).get(), {}, &run),
        runs_->ListRuns(As(token).get(), {}, &runs),
        runs_->CancelRun(As(token).get(), {}, &run),
        runs_->AbandonRun(As(token).get(), {}, &abandoned),
        watch->Finish(),
        logs->Finish(),
        system_->WhoAmI(As(token).get(), {}, &who),
        system_->GetStatus(As(token).get(), {}, &state),
        system_->Doctor(As(token).get(), {}, &doctor),
        system_->Reload(As(token).get(), {}, &reload),
        system_->Sweep(As(token).get(), {}, &sweep)};
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(answers[i].error_code(), StatusCode::UNAUTHENTICATED) << i << " " << token;
    }
  }
}

TEST_F(ServerTest, SomebodyElsesThingsAreNotThere) {
  Start();
  MakePlayground("fin");
  const std::string run_id = StartTest("fin");
  v1::GetPlaygroundRequest get;
  get.set_name("fin");
  v1::Playground playground;
  const auto foreign = playgrounds_->GetPlayground(Bo().get(), get, &playground);
  EXPECT_EQ(foreign.error_code(), StatusCode::NOT_FOUND);
  v1::Run run;
  EXPECT_EQ(runs_->StartRun(Bo().get(), TestOf("fin"), &run).error_code(), StatusCode::NOT_FOUND);
  v1::GetRunRequest get_run;
  get_run.set_id(run_id);
  const auto foreign_run = runs_->GetRun(Bo().get(), get_run, &run);
  EXPECT_EQ(foreign_run.error_code(), StatusCode::NOT_FOUND);
  v1::CancelRunRequest cancel;
  cancel.set_id(run_id);
  EXPECT_EQ(runs_->CancelRun(Bo().get(), cancel, &run).error_code(), StatusCode::NOT_FOUND);
  v1::WatchRunRequest watch;
  watch.set_id(run_id);
  auto context = Bo();
  v1::RunEvent event;
  const auto stream = runs_->WatchRun(context.get(), watch);
  EXPECT_FALSE(stream->Read(&event));
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::NOT_FOUND);
  v1::GetRunLogsRequest logs;
  logs.set_id(run_id);
  auto log_context = Bo();
  v1::LogChunk chunk;
  const auto log_stream = runs_->GetRunLogs(log_context.get(), logs);
  EXPECT_FALSE(log_stream->Read(&chunk));
  EXPECT_EQ(log_stream->Finish().error_code(), StatusCode::NOT_FOUND);
  v1::ListRunsResponse list;
  ASSERT_TRUE(runs_->ListRuns(Bo().get(), {}, &list).ok());
  EXPECT_EQ(list.runs_size(), 0);
  // The words are those for a run that never was: they do not tell whether it exists.
  get_run.set_id("r0000000000000000");
  std::string missing = runs_->GetRun(Bo().get(), get_run, &run).error_message();
  missing.replace(missing.find("r0000000000000000"), run_id.size(), run_id);
  EXPECT_EQ(missing, foreign_run.error_message());
  get_run.set_id(run_id);
  EXPECT_TRUE(runs_->GetRun(Ana().get(), get_run, &run).ok());
}

/// One message there and one back, as bytes: no client code for these services is installed.
std::string Exchange(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  const auto settle = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  settle();
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
  settle();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  settle();
  grpc::Status status;
  call->Finish(&status, nullptr);
  settle();
  EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (answer.Dump(&slices).ok()) {
    for (const auto& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  return bytes;
}

TEST_F(ServerTest, HealthAndReflectionAnswerWithoutAToken) {
  Start();
  // HealthCheckResponse{status: SERVING}
  EXPECT_EQ(Exchange(channel_, "/grpc.health.v1.Health/Check", ""), std::string("\x08\x01"));
  // ServerReflectionRequest{list_services: ""}
  const std::string services =
      Exchange(channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
               std::string("\x3a\x00", 2));
  for (const char* name : {"dcp.v1.Playgrounds", "dcp.v1.Runs", "dcp.v1.System"}) {
    EXPECT_NE(services.find(name), std::string::npos) << name;
  }
}

TEST_F(ServerTest, StartRunHandsOverNodeCompileAndTheSameTokenStartsNothingTwice) {
  Start();
  MakePlayground("fin");
  v1::Run first;
  v1::Run second;
  ASSERT_TRUE(runs_->StartRun(Ana().get(), TestOf("fin"), &first).ok());
  ASSERT_TRUE(runs_->StartRun(Ana().get(), TestOf("fin"), &second).ok());
  EXPECT_EQ(first.id(), second.id());
  ASSERT_EQ(first.nodes_size(), 1);
  EXPECT_EQ(first.nodes(0).id(), "compile");
  const graph::NodeSpec node = daemon_.runner->started().front().nodes.at(0);
  EXPECT_EQ(node.capability, "resource");
  EXPECT_EQ(node.method, "Compile");
  const auto request = nlohmann::json::parse(node.request_json);
  EXPECT_EQ(request["command"], "test");
  EXPECT_EQ(request["manifests"][0]["path"], "B.yaml");
  EXPECT_EQ(request["manifests"][0]["content"], "a2luZDogRGVyaXZlZERhdGFzZXQK");
  EXPECT_EQ(request["options"]["mode"], "schema");
}

TEST_F(ServerTest, StartRunRefusesWhatItCannotTake) {
  Start();
  MakePlayground("fin");
  const auto code = [&](const v1::StartRunRequest& request) {
    v1::Run run;
    return runs_->StartRun(Ana().get(), request, &run).error_code();
  };
  auto request = TestOf("fin");
  request.set_command("delete");  // only DeletePlayground makes such a run
  EXPECT_EQ(code(request), StatusCode::INVALID_ARGUMENT);
  request = TestOf("");
  EXPECT_EQ(code(request), StatusCode::INVALID_ARGUMENT);
  request = TestOf("fin");
  request.clear_manifests();
  EXPECT_EQ(code(request), StatusCode::INVALID_ARGUMENT);
  request = TestOf("fin");
  *request.add_manifests() = request.manifests(0);
  EXPECT_EQ(code(request), StatusCode::INVALID_ARGUMENT) << "one path twice";
  request = TestOf("fin");
  request.mutable_manifests(0)->set_content(std::string(limits::kFileBytesMax, ' '));
  EXPECT_EQ(code(request), StatusCode::OK);
  request.set_client_token("t2");
  request.mutable_manifests(0)->set_content(std::string(limits::kFileBytesMax + 1, ' '));
  EXPECT_EQ(code(request), StatusCode::RESOURCE_EXHAUSTED);
  request = TestOf("fin");
  request.set_client_token("t3");
  for (size_t i = 1; i < limits::kManifestsMax; ++i) {
    request.add_manifests()->set_path("m" + std::to_string(i));
  }
  EXPECT_EQ(code(request), StatusCode::OK);
  request.set_client_token("t4");
  request.add_manifests()->set_path("one-more");
  EXPECT_EQ(code(request), StatusCode::RESOURCE_EXHAUSTED);
  daemon_.clock.Advance(int64_t{73} * 3600 * 1000);
  EXPECT_EQ(code(TestOf("fin")), StatusCode::FAILED_PRECONDITION) << "expired";
}

TEST_F(ServerTest, AnOutlineIsThePluginsAndStartsNothing) {
  std::string answer = R"({"report":{"kind":"Outline","body":{"datasets":[{"path":"B.yaml",)"
                       R"("name":"m.a","reads":["m.b"],"params":["day"],"sqlFile":"q.sql"}]}}})";
  std::vector<graph::Invocation> calls;
  daemon_.deps.invoke = [&](const graph::Invocation& call) {
    calls.push_back(call);
    return Result<std::string>(answer);
  };
  Start();
  MakePlayground("fin");
  v1::OutlineManifestsRequest request;
  request.set_playground("fin");
  v1::File* manifest = request.add_manifests();
  manifest->set_path("B.yaml");
  manifest->set_content("kind: X");
  v1::OutlineManifestsResponse response;
  const auto call = [&] {
    return runs_->OutlineManifests(Ana().get(), request, &response).error_code();
  };
  ASSERT_EQ(call(), StatusCode::OK);
  ASSERT_EQ(response.datasets_size(), 1);
  EXPECT_EQ(response.datasets(0).ShortDebugString(),
            R"(path: "B.yaml" name: "m.a" reads: "m.b" params: "day" sql_file: "q.sql")");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].capability + "." + calls[0].method, "resource.Compile");
  EXPECT_EQ(calls[0].principal, "ana");
  const auto sent = nlohmann::json::parse(calls[0].request_json);
  EXPECT_EQ(sent["command"], "outline");
  EXPECT_EQ(sent["context"]["catalog"], "prod");
  EXPECT_TRUE(daemon_.runner->started().empty());
  answer = R"({"needsFiles":{"paths":["q.sql"]}})";
  ASSERT_EQ(call(), StatusCode::OK);
  EXPECT_EQ(response.needs_files(0), "q.sql");
  for (const char* other : {R"({"graph":{"nodes":[]}})", R"({"report":{"kind":"TestReport"}})",
                            R"({"report":[],"needsFiles":7})", "no JSON"}) {
    answer = other;
    EXPECT_EQ(call(), StatusCode::UNIMPLEMENTED) << other;
  }
  for (size_t i = 1; i <= limits::kManifestsMax; ++i) {
    request.add_manifests()->set_path("m" + std::to_string(i));
  }
  EXPECT_EQ(call(), StatusCode::RESOURCE_EXHAUSTED);
  request.mutable_manifests()->DeleteSubrange(1, static_cast<int>(limits::kManifestsMax));
  request.set_playground("nobodys");
  EXPECT_EQ(call(), StatusCode::NOT_FOUND);
}

TEST_F(ServerTest, WatchRunTellsEveryTransitionAndEndsWithTheRun) {
  Start();
  MakePlayground("fin");
  const std::string id = StartTest("fin");
  v1::WatchRunRequest request;
  request.set_id(id);
  auto context = Ana();
  const auto stream = runs_->WatchRun(context.get(), request);
  v1::RunEvent event;
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.state(), "PENDING");
  EXPECT_EQ(event.sequence(), 1);
  // Live: told while the stream is open.
  ASSERT_TRUE(daemon_.runner->SetNode(id, "compile", store::kRunning).ok());
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.node_id(), "compile");
  EXPECT_EQ(event.state(), "RUNNING");
  ASSERT_TRUE(daemon_.runner->SetNode(id, "compile", store::kSucceeded).ok());
  ASSERT_TRUE(
      daemon_.runner->Finish(id, store::kSucceeded, R"({"kind":"TestReport","status":"PASSED"})")
          .ok());
  std::vector<v1::RunEvent> rest;
  while (stream->Read(&event)) rest.push_back(event);
  const auto status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  ASSERT_GE(rest.size(), 2U);
  EXPECT_EQ(rest.front().state(), "SUCCEEDED");
  ASSERT_TRUE(rest.back().has_run());
  EXPECT_EQ(rest.back().run().state(), "SUCCEEDED");
  EXPECT_EQ(rest.back().run().report().fields().at("status").string_value(), "PASSED");
  // And afterwards, from the middle.
  request.set_after_sequence(3);
  auto later_context = Ana();
  const auto later = runs_->WatchRun(later_context.get(), request);
  std::vector<int64_t> sequences;
  while (later->Read(&event)) sequences.push_back(event.sequence());
  EXPECT_TRUE(later->Finish().ok());
  EXPECT_EQ(sequences, (std::vector<int64_t>{4, 4}));  // the run's end, and the run itself
}

TEST_F(ServerTest, ACancelledWatchLetsItsSubscriptionGo) {
  Start();
  MakePlayground("fin");
  const std::string id = StartTest("fin");
  v1::WatchRunRequest request;
  request.set_id(id);
  v1::RunEvent event;
  for (int i = 0; i < 5; ++i) {
    auto context = Ana();
    const auto stream = runs_->WatchRun(context.get(), request);
    ASSERT_TRUE(stream->Read(&event));
    context->TryCancel();
    while (stream->Read(&event)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), StatusCode::CANCELLED);
  }
  daemon_.server->Shutdown(5'000);  // returns when every reactor is done
  EXPECT_EQ(daemon_.runner->Subscriptions(), 0U);
}

TEST_F(ServerTest, ShutdownEndsOpenStreams) {
  Start();
  MakePlayground("fin");
  v1::WatchRunRequest request;
  request.set_id(StartTest("fin"));
  auto context = Ana();
  const auto stream = runs_->WatchRun(context.get(), request);
  v1::RunEvent event;
  ASSERT_TRUE(stream->Read(&event));
  daemon_.server->Shutdown(0);
  while (stream->Read(&event)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(ServerTest, LogsComeFromTheJobsFolderAndCanBeFollowed) {
  Start();
  MakePlayground("fin");
  const std::string id = StartTest("fin");
  const std::string job = daemon_.folder + "/job";
  std::filesystem::create_directories(job);
  daemon_.runner->job_directories["compile"] = job;
  store::RunChange became_job;
  became_job.nodes.push_back(daemon_.store->GetNodes(id).value().at(0));
  became_job.nodes[0].job_json = "{}";
  ASSERT_TRUE(daemon_.store->ChangeRun(id, became_job).ok());
  std::ofstream(job + "/stderr") << "starting\n";
  std::ofstream(job + "/stdout") << std::string(kLogChunkBytes + 5, 'x');
  std::ofstream(job + "/output") << "both\n";
  v1::GetRunLogsRequest request;
  request.set_id(id);
  v1::LogChunk chunk;
  std::map<std::string, std::string> read;
  auto context = Ana();
  const auto once = runs_->GetRunLogs(context.get(), request);
  while (once->Read(&chunk)) read[chunk.stream()] += chunk.data();
  EXPECT_TRUE(once->Finish().ok());
  EXPECT_EQ(read["stderr"], "starting\n");
  EXPECT_EQ(read["output"], "both\n");
  EXPECT_EQ(read["stdout"].size(), kLogChunkBytes + 5);
  request.set_follow(true);
  request.set_node_id("compile");
  auto follow_context = Ana();
  const auto followed = runs_->GetRunLogs(follow_context.get(), request);
  ASSERT_TRUE(followed->Read(&chunk));
  EXPECT_EQ(chunk.data(), "both\n");
  ASSERT_TRUE(followed->Read(&chunk));
  EXPECT_EQ(chunk.data(), "starting\n");
  std::ofstream(job + "/stderr", std::ios::app) << "done\n";
  ASSERT_TRUE(daemon_.runner->Finish(id, store::kSucceeded).ok());
  std::string rest;
  while (followed->Read(&chunk)) {
    if (chunk.stream() == "stderr") rest += chunk.data();
  }
  EXPECT_TRUE(followed->Finish().ok());
  EXPECT_EQ(rest, "done\n");
  request.set_node_id("nope");
  auto missing_context = Ana();
  const auto missing = runs_->GetRunLogs(missing_context.get(), request);
  EXPECT_FALSE(missing->Read(&chunk));
  EXPECT_EQ(missing->Finish().error_code(), StatusCode::NOT_FOUND);
}

TEST_F(ServerTest, MoreCallsThanTheQuotaAreRefusedAtOnce) {
  daemon_.settings.max_concurrent = 4;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  daemon_.deps.doctor = [released](const playground::Principal&,
                                   const store::Playground*) -> Result<std::vector<DoctorCheck>> {
    released.wait();
    return std::vector<DoctorCheck>{{"a", "catalog", "OK", "", ""}};
  };
  Start();
  constexpr int kCalls = 24;
  constexpr int kRefusedMin = kCalls - 6;  // 4, and the two spare threads that gRPC polls with
  std::atomic<int> refused = 0;
  std::atomic<int> served = 0;
  std::latch flood_is_over(kRefusedMin);
  std::vector<std::jthread> callers;
  for (int i = 0; i < kCalls; ++i) {
    callers.emplace_back([&] {
      v1::DoctorResponse answer;
      const auto status = system_->Doctor(Ana().get(), {}, &answer);
      if (status.ok()) ++served;
      if (status.error_code() == StatusCode::RESOURCE_EXHAUSTED && refused++ < kRefusedMin) {
        flood_is_over.count_down();
      }
    });
  }
  flood_is_over.wait();  // they were refused while the others were still being served
  EXPECT_EQ(served.load(), 0);
  release.set_value();
  callers.clear();
  EXPECT_EQ(served + refused, kCalls);
  EXPECT_GE(served.load(), 4);
}

TEST_F(ServerTest, DeletePlaygroundCancelsItsRunsAndStartsOneDeleteGraph) {
  Start();
  MakePlayground("fin");
  const std::string open_run = StartTest("fin");
  v1::DeletePlaygroundRequest request;
  request.set_name("fin");
  v1::Run first;
  v1::Run second;
  ASSERT_TRUE(playgrounds_->DeletePlayground(Ana().get(), request, &first).ok());
  ASSERT_TRUE(playgrounds_->DeletePlayground(Ana().get(), request, &second).ok());
  EXPECT_EQ(first.id(), second.id());
  std::vector<std::string> steps;
  for (const auto& node : first.nodes()) steps.push_back(node.capability() + "." + node.method());
  EXPECT_EQ(steps, (std::vector<std::string>{"playground.EndJobs", "catalog.Purge",
                                             "playground.FinishDelete"}));
  EXPECT_EQ(daemon_.store->GetRun(open_run)->state, store::kCancelled);
  v1::Run none;
  EXPECT_EQ(runs_->StartRun(Ana().get(), TestOf("fin"), &none).error_code(),
            StatusCode::FAILED_PRECONDITION);
  // A delete that failed can be asked for again.
  ASSERT_TRUE(daemon_.runner->Finish(first.id(), store::kFailed).ok());
  ASSERT_TRUE(playgrounds_->DeletePlayground(Ana().get(), request, &second).ok());
  EXPECT_NE(first.id(), second.id());
  // Nobody stops it half-way.
  v1::CancelRunRequest cancel;
  cancel.set_id(second.id());
  EXPECT_EQ(runs_->CancelRun(Ana().get(), cancel, &none).error_code(),
            StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServerTest, ConnectIssuesATokenThatEndsWithThePlayground) {
  Start();
  MakePlayground("fin");
  v1::ConnectPlaygroundRequest request;
  request.set_name("fin");
  v1::ConnectPlaygroundResponse connect;
  ASSERT_TRUE(playgrounds_->ConnectPlayground(Ana().get(), request, &connect).ok());
  EXPECT_EQ(connect.uri(), "http://127.0.0.1:4321/pg/fin");
  const auto claims = daemon_.tokens.Verify(connect.token(), daemon_.clock.Wall());
  ASSERT_TRUE(claims.ok()) << claims.status().ToString();
  EXPECT_EQ(claims->user, "ana");
  EXPECT_EQ(claims->playground, "fin");
  EXPECT_EQ(claims->mode, "ro");
  EXPECT_EQ(claims->expires_at, daemon_.clock.Wall() + kConnectTokenMs);
  daemon_.clock.Advance(int64_t{71} * 3600 * 1000);  // one hour before the playground's end
  request.set_write(true);
  ASSERT_TRUE(playgrounds_->ConnectPlayground(Ana().get(), request, &connect).ok());
  const auto later = daemon_.tokens.Verify(connect.token(), daemon_.clock.Wall());
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->mode, "rw");
  EXPECT_EQ(later->expires_at, daemon_.clock.Wall() + 3600 * 1000);
}

TEST_F(ServerTest, ListensOnLoopbackTcpToo) {
  daemon_.settings.listen = "127.0.0.1:0";
  Start();
  ASSERT_GT(daemon_.server->port(), 0);
  const auto system = v1::System::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(daemon_.server->port()), grpc::InsecureChannelCredentials()));
  v1::WhoAmIResponse who;
  const auto status = system->WhoAmI(Ana().get(), {}, &who);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(who.user(), "ana");
  EXPECT_EQ(who.daemon_version(), "1.2.3");
  testing::Daemon other;
  other.settings.listen = "127.0.0.1:" + std::to_string(daemon_.server->port());
  const Status taken = other.Start();
  EXPECT_EQ(taken.code(), Code::kUnavailable);
  EXPECT_NE(taken.message().find(other.settings.listen), std::string::npos) << taken.message();
  other.settings.listen = "0.0.0.0:0";
  EXPECT_EQ(other.Start().code(), Code::kInvalidArgument);
}

TEST_F(ServerTest, TheSocketIsOursAlone) {
  Start();
  struct stat info {};
  ASSERT_EQ(stat(daemon_.settings.socket_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const Status live = PrepareSocketPath(daemon_.settings.socket_path);
  EXPECT_EQ(live.code(), Code::kFailedPrecondition);
  EXPECT_NE(live.message().find("another dcpd answers on"), std::string::npos) << live.message();
  // What a daemon that was killed leaves behind is replaced.
  const std::string stale = daemon_.folder + "/stale";
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  stale.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  EXPECT_TRUE(PrepareSocketPath(stale).ok());
  EXPECT_FALSE(std::filesystem::exists(stale));
  const std::string open = daemon_.folder + "/open";
  std::filesystem::create_directories(open);
  std::filesystem::permissions(open, std::filesystem::perms(0755));
  EXPECT_EQ(PrepareSocketPath(open + "/s").code(), Code::kFailedPrecondition);
  std::ofstream(daemon_.folder + "/file") << "precious";
  EXPECT_EQ(PrepareSocketPath(daemon_.folder + "/file").code(), Code::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(daemon_.folder + "/file"));
  EXPECT_EQ(PrepareSocketPath("relative/s").code(), Code::kInvalidArgument);
  EXPECT_EQ(PrepareSocketPath("/tmp/" + std::string(120, 'x')).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace dcp::api
