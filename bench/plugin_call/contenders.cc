// SPDX-License-Identifier: Apache-2.0
//
// The ways, and what each needs to be set up.
#include "plugin_call/contenders.h"

#include <dcp/plugin.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <utility>

#include "host/digest.h"
#include "host/in_process_files.h"
#include "host/plugin_runtime.h"
#include "host/worker_process.h"

namespace dcp::bench {
namespace {

constexpr int64_t kStartTimeoutMs = 20'000;

bool Fail(const Status& status) {
  std::fprintf(stderr, "bench_plugin_echo: %s\n", status.ToString().c_str());
  return false;
}

bool ReadAll(int fd, std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t got = read(fd, bytes.data() + at, bytes.size() - at);
    if (got <= 0) return false;
    at += static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(int fd, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t put = write(fd, bytes.data() + at, bytes.size() - at);
    if (put <= 0) return false;
    at += static_cast<size_t>(put);
  }
  return true;
}

dcp_bytes Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

const dcp_plugin_api* Load() {
  const Result<std::string> digest = host::DigestOf(BENCH_PLUGIN);
  if (!digest.ok()) Fail(digest.status());
  const auto table = host::LoadInProcess(BENCH_PLUGIN, BENCH_PLUGIN, *digest);
  if (!table.ok()) Fail(table.status());
  return table.ok() ? *table : nullptr;
}

/// A host of one function. The plugin gets the call's address and gives it back.
struct SmallHost {
  dcp_host_api api{};
  dcp_instance* instance = nullptr;
};

struct SmallCall {
  std::string answer;
};

/// Keeps the last answer.
class LastAnswer : public host::PluginSink {
 public:
  dcp_code Event(uint64_t, dcp_event, std::string_view) override { return DCP_OK; }
  void Complete(uint64_t, dcp_code code, host::Origin, std::string_view body) override {
    const std::lock_guard lock(mutex_);
    code_ = code;
    body_.assign(body);
    changed_.notify_all();
  }
  void Log(dcp_level, std::string_view) override {}
  dcp_code Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return code_ >= 0; });
    return std::exchange(code_, -1);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  dcp_code code_ = -1;
  std::string body_;
};

/// Whether a worker has said that it is ready, or at its end.
struct Started {
  std::mutex mutex;
  std::condition_variable changed;
  bool told = false;
};

class OneWorker : public Worker {
 public:
  explicit OneWorker(std::shared_ptr<host::WorkerProcess> home) : home_(std::move(home)) {}
  ~OneWorker() override { home_->Stop(); }
  bool Echo(const std::string& request) override {
    bool sent = false;
    const Result<host::Reply> reply = home_->Call("Echo", request, {}, sent);
    if (!reply.ok()) return Fail(reply.status());
    return reply->code == Code::kOk && reply->body.size() == request.size();
  }
  bool Events(size_t count) override {
    size_t came = 0;
    host::CallOptions options;
    options.on_data = [&](const std::string&) { ++came; };
    bool sent = false;
    const Result<host::Reply> reply = home_->Call("Events", std::to_string(count), options, sent);
    if (!reply.ok()) return Fail(reply.status());
    return reply->code == Code::kOk && came == count;
  }

 private:
  const std::shared_ptr<host::WorkerProcess> home_;
};

}  // namespace

Call PingPong(size_t bytes) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    std::string buffer(bytes, '\0');
    while (ReadAll(ends[1], buffer) && WriteAll(ends[1], buffer)) {
    }
    _exit(0);
  }
  close(ends[1]);
  return [fd = ends[0], out = std::string(bytes, 'x'), in = std::string(bytes, '\0')]() mutable {
    return WriteAll(fd, out) && ReadAll(fd, in);
  };
}

Call Table(size_t bytes) {
  const dcp_plugin_api* table = Load();
  if (table == nullptr) return {};
  auto host = std::make_shared<SmallHost>();
  host->api.struct_size = DCP_HOST_API_SIZE;
  host->api.complete = [](dcp_call* call, dcp_code, dcp_bytes body) {
    auto* mine = reinterpret_cast<SmallCall*>(call);
    mine->answer.assign(reinterpret_cast<const char*>(body.data), body.size);
  };
  if (table->create(&host->api, Bytes("{}"), &host->instance) != DCP_OK) return {};
  return [table, host, request = std::string(bytes, 'x'), call = SmallCall()]() mutable {
    call.answer.clear();
    static const std::string method = "Echo";
    const dcp_code code = table->invoke(host->instance, reinterpret_cast<dcp_call*>(&call),
                                        Bytes(method), Bytes(request));
    return code == DCP_OK && call.answer.size() == request.size();
  };
}

Call Runtime(size_t bytes) {
  const dcp_plugin_api* table = Load();
  if (table == nullptr) return {};
  auto sink = std::make_shared<LastAnswer>();
  auto runtime = std::make_shared<host::PluginRuntime>(table, sink);
  runtime->Create(1, "{}");
  if (sink->Next() != DCP_OK) return {};
  const std::string body = host::InvokeBody("Echo", std::string(bytes, 'x'), {});
  return [sink, runtime, body, id = uint64_t{1}]() mutable {
    const std::function<void()> run = runtime->InvokeHere(++id, body);
    if (!run) return false;
    run();
    return sink->Next() == DCP_OK;
  };
}

std::shared_ptr<Worker> Worker::Start() {
  host::HomeOptions options;
  options.program = BENCH_WORKER;
  options.plugin_path = BENCH_PLUGIN;
  options.plugin = "bench_echo";
  options.instance = "bench";
  options.config_json = Secret("{}");
  const host::Settings defaults;
  options.start_timeout_ms = kStartTimeoutMs;
  options.ping_timeout_ms = defaults.ping_timeout_ms;
  options.cancel_grace_ms = defaults.cancel_grace_ms;
  options.hang_grace_ms = defaults.hang_grace_ms;
  // Told again when the worker ends, which is long after this function.
  const auto started = std::make_shared<Started>();
  auto home = host::WorkerProcess::Spawn(options, [started] {
    const std::lock_guard lock(started->mutex);
    started->told = true;
    started->changed.notify_all();
  });
  if (!home.ok()) {
    Fail(home.status());
    return nullptr;
  }
  {
    std::unique_lock lock(started->mutex);
    started->changed.wait(lock, [&] { return started->told; });
  }
  if ((*home)->phase() == host::PluginHome::Phase::kReady) {
    return std::make_shared<OneWorker>(std::move(home).value());
  }
  bool permanent = false;
  Fail((*home)->ending(permanent));
  return nullptr;
}

std::shared_ptr<host::Host> StartHost(const std::string& isolation, const std::string& folder) {
  host::Settings settings;
  settings.worker_program = BENCH_WORKER;
  settings.directories = {std::filesystem::path(BENCH_PLUGIN).parent_path().string()};
  settings.store_directory = folder;
  settings.instances.resize(1);
  settings.instances[0].id = "bench";
  settings.instances[0].plugin = "bench_echo";
  settings.instances[0].config_json = Secret("{}");
  settings.instances[0].isolation = isolation;
  Result<std::unique_ptr<host::Host>> host = host::Host::Start(settings);
  if (host.ok()) return std::move(host).value();
  Fail(host.status());
  return nullptr;
}

Call HostCall(const std::shared_ptr<host::Host>& host, size_t bytes) {
  const std::string request = R"({"sql":")" + std::string(bytes, 'x') + R"("})";
  return [host, request] {
    const Result<std::string> reply = host->Call("bench", "test_backend", "Analyze", request, {});
    return reply.ok() ? reply->size() >= request.size() : Fail(reply.status());
  };
}

}  // namespace dcp::bench
