// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/probe/subject.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <thread>

#include "plugin_check/probe/record.h"
#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

constexpr size_t kPage = 4096;
/// For a plugin that never calls back before it waits: about a tenth of a second.
constexpr int64_t kSlowMs = 100;
constexpr int kTouchTries = 1000;
constexpr auto kTouchPause = std::chrono::microseconds(100);
constexpr auto kLatePause = std::chrono::milliseconds(20);

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Calls into the plugin. What is thrown is noted, and reads as INTERNAL.
template <typename Function>
dcp_code Guarded(const std::string& where, Function function) {
  Record::Say("in " + where);
  dcp_code code = DCP_INTERNAL;
  try {
    code = function();
  } catch (const std::exception& e) {
    NoteFault(Fault::kUnwind, "an exception left " + where + ": " + e.what());
  } catch (...) {
    NoteFault(Fault::kUnwind, "an exception left " + where);
  }
  Record::Say("after " + where);
  if (code < DCP_OK || code > DCP_UNAUTHENTICATED) {
    NoteFault(Fault::kCode, where + " answered code " + std::to_string(code));
  }
  return code;
}

/// Bytes in memory of their own, that can be taken away.
class Loan {
 public:
  Loan(std::string_view text, bool own_pages) : size_(text.size()) {
    if (!own_pages) {
      copy_ = text;
      return;
    }
    mapped_ = (size_ / kPage + 1) * kPage;
    void* memory =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(3);
    memory_ = static_cast<uint8_t*>(memory);
    std::memcpy(memory_, text.data(), size_);
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  dcp_bytes bytes() const {
    return memory_ == nullptr ? BytesOf(copy_) : dcp_bytes{memory_, size_};
  }
  /// The address stays taken, so that a late reader is caught for certain.
  void Take() {
    if (memory_ != nullptr) (void)mprotect(memory_, mapped_, PROT_NONE);
  }

 private:
  const size_t size_;
  std::string copy_;
  uint8_t* memory_ = nullptr;
  size_t mapped_ = 0;
};

Answered ToAnswered(const SampleCall& call, const CallEnd& end) {
  return {call.capability, call.method, end.taken, end.ended, end.asked, end.code, end.body};
}

}  // namespace

dcp_bytes BytesOf(std::string_view text) {
  if (text.empty()) return {nullptr, 0};
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Result<Entry> LoadEntry(const std::string& path) {
  Record::Say("loading the file (its constructors)");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  Record::Say("after loading the file");
  if (library == nullptr) return InvalidArgument(dlerror());
  void* symbol = dlsym(library, DCP_ENTRY_SYMBOL);
  if (symbol == nullptr) return InvalidArgument("it does not export " DCP_ENTRY_SYMBOL);
  return Entry{reinterpret_cast<dcp_entry_fn>(symbol)};
}

Result<std::unique_ptr<Subject>> Subject::Load(const Job& job) {
  DCP_ASSIGN(const Entry entry, LoadEntry(job.plugin));
  Record::Say("in " DCP_ENTRY_SYMBOL "()");
  const dcp_plugin_api* table = entry.call();
  if (table == nullptr) return InvalidArgument(DCP_ENTRY_SYMBOL "() answered no table");
  return std::unique_ptr<Subject>(new Subject(job, table));
}

dcp_code Subject::Validate(CheckingHost& host, std::string_view config) const {
  host.BeginConfigure();
  const dcp_code code =
      Guarded("validate()", [&] { return table_->validate(host.api(), BytesOf(config)); });
  host.EndConfigure();
  return code;
}

dcp_code Subject::Create(CheckingHost& host, std::string_view config, dcp_instance** out) const {
  *out = nullptr;
  host.TakePosts();
  host.BeginConfigure();
  const dcp_code code =
      Guarded("create()", [&] { return table_->create(host.api(), BytesOf(config), out); });
  host.EndConfigure();
  if (code != DCP_OK) host.FinishPosts();
  return code;
}

bool Subject::CanDrain() const {
  return DCP_HAS(table_, dcp_plugin_api, drain) && table_->drain != nullptr;
}

void Subject::Drain(dcp_instance* instance) const {
  if (!CanDrain()) return;
  (void)Guarded("drain()", [&] {
    table_->drain(instance);
    return DCP_OK;
  });
}

void Subject::Destroy(CheckingHost& host, dcp_instance* instance) const {
  host.FinishPosts();
  (void)Guarded("destroy()", [&] {
    table_->destroy(instance);
    return DCP_OK;
  });
}

Result<std::unique_ptr<Instance>> Instance::Make(const Subject& subject, CheckingHost& host) {
  dcp_instance* self = nullptr;
  const dcp_code code = subject.Create(host, subject.job().config, &self);
  if (code != DCP_OK) {
    return FailedPrecondition("create() answered code " + std::to_string(code) + ": " +
                              Printable(host.reason()));
  }
  if (self == nullptr) return FailedPrecondition("create() answered OK and made no instance");
  return std::unique_ptr<Instance>(new Instance(subject, host, self));
}

dcp_code Instance::Invoke(const CallPlan& plan, CheckingCall& call) {
  Loan method(plan.method, plan.take_memory);
  Loan request(plan.request, plan.take_memory);
  const std::string where = "invoke() of \"" + Printable(plan.method.substr(0, 80)) + "\" with " +
                            std::to_string(plan.request.size()) + " bytes" + plan.said;
  const dcp_code code = Guarded(where, [&] {
    return subject_.table()->invoke(self_, call.handle(), method.bytes(), request.bytes());
  });
  method.Take();
  request.Take();
  return code;
}

CallEnd Instance::Call(const CallPlan& plan) {
  CheckingCall* call = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (mute_.count(plan.method) > 0) return {};
    calls_.push_back(std::make_unique<CheckingCall>(host_.handle(), plan.method, plan.deadline_ns));
    call = calls_.back().get();
  }
  if (plan.cancelled) call->SetCancelled();
  call->RefuseEvents(plan.refuse_events, DCP_RESOURCE_EXHAUSTED);
  CallEnd end;
  const auto cancel = [&] {
    call->SetCancelled();
    const int64_t begun = NowMs();
    (void)Guarded("cancel() of " + plan.method, [&] {
      subject_.table()->cancel(self_, call->handle());
      return DCP_OK;
    });
    end.cancel_ms = NowMs() - begun;
  };
  std::thread canceller;
  std::atomic<bool> returned{false};
  std::atomic<bool> refused{false};
  if (plan.cancel_after_us >= 0) {
    canceller = std::thread([&] {
      for (int i = 0; i < kTouchTries && !call->touched() && !returned; ++i) {
        std::this_thread::sleep_for(kTouchPause);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(plan.cancel_after_us));
      // A host forgets what has ended; the other order has a check of its own.
      if (!refused && !call->state().completed) cancel();
    });
  }
  const int64_t begun = NowMs();
  end.code = Invoke(plan, *call);
  refused = end.code != DCP_OK;
  returned = true;
  end.taken = end.code == DCP_OK;
  if (!end.taken) call->Refused();
  const int64_t patience_ms = subject_.job().patience_ms;
  end.ended = !end.taken || call->Wait(IsSlow(plan.method) ? kSlowMs : patience_ms);
  if (!end.ended && plan.cancel_after_us < 0 && !plan.cancelled && plan.deadline_ns == 0) {
    cancel();
    end.asked = true;
    end.ended = call->Wait(patience_ms);
  }
  end.end_ms = NowMs() - begun;
  if (canceller.joinable()) canceller.join();
  if (plan.cancel_late && end.taken && end.ended) {
    std::this_thread::sleep_for(kLatePause);
    cancel();
  }
  CallState state = call->state();
  end.events = state.events;
  if (end.taken) {
    end.code = state.code;
    end.body = std::move(state.body);
  }
  const std::lock_guard lock(mutex_);
  if (end.asked) slow_.insert(plan.method);
  if (!end.ended) {
    open_ = true;
    mute_.insert(plan.method);
  }
  return end;
}

bool Instance::IsSlow(const std::string& method) const {
  const std::lock_guard lock(mutex_);
  return slow_.count(method) > 0;
}

bool Instance::has_open_calls() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void Instance::Drain() {
  drained_ = true;
  subject_.Drain(self_);
}

bool Instance::Destroy() {
  if (has_open_calls()) return false;
  if (!drained_) Drain();
  subject_.Destroy(host_, self_);
  return true;
}

void Instance::ForgetCalls() {
  const std::lock_guard lock(mutex_);
  if (open_) return;
  for (const auto& call : calls_) call->Forget();
  calls_.clear();
  calls_.shrink_to_fit();
}

Result<std::unique_ptr<Life>> Begin(const Subject& subject, TableForm form) {
  auto life = std::make_unique<Life>(form);
  DCP_ASSIGN(life->instance, Instance::Make(subject, life->host));
  return life;
}

bool End(Life& life) {
  if (!life.instance->Destroy()) return false;
  life.host.Close();
  return true;
}

std::vector<Answered> Samples(const Subject& subject, Instance& instance) {
  std::vector<Answered> answers;
  for (const SampleCall& call : subject.job().calls) {
    answers.push_back(ToAnswered(call, instance.Call({call.method, call.request})));
  }
  return answers;
}

std::vector<Answered> Steady(const Subject& subject, Instance& instance) {
  std::vector<Answered> answers;
  for (const SampleCall& call : SteadyCalls(subject.job())) {
    answers.push_back(ToAnswered(call, instance.Call({call.method, call.request})));
  }
  return answers;
}

std::vector<Answered> Workload(const Subject& subject, Instance& instance) {
  std::vector<Answered> answers = Steady(subject, instance);
  if (!subject.job().calls.empty()) {
    const SampleCall& call = subject.job().calls.front();
    CallPlan cancelled{call.method, call.request};
    cancelled.cancel_after_us = 0;
    answers.push_back(ToAnswered(call, instance.Call(cancelled)));
  }
  return answers;
}

std::string Told(const std::string& method, const CallEnd& end) {
  if (!end.ended) return method + " was not completed";
  std::string words = method + (end.taken ? " was completed" : " was refused") + " with code " +
                      std::to_string(end.code);
  if (!end.body.empty()) words += ": " + Printable(end.body.substr(0, 200));
  return words;
}

}  // namespace dcp::plugin_check
