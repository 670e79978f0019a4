// SPDX-License-Identifier: Apache-2.0
//
// A good plugin written with the C++ SDK alone, as its authors write them.
#include <dcp/sdk/plugin.h>

namespace {

class SdkPlugin : public dcp::sdk::Instance {
 public:
  static constexpr int kThreads = 2;

  static dcp::sdk::Outcome<std::unique_ptr<SdkPlugin>> Create(std::string_view config) {
    if (config != "{}") {
      return dcp::sdk::Error{.code = DCP_INVALID_ARGUMENT, .message = "no settings are known"};
    }
    return std::make_unique<SdkPlugin>();
  }

  dcp::sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view /*request*/,
                                        dcp::sdk::Call& call) override {
    if (method == "Describe") return std::string(R"({"kinds":["Sdk"]})");
    if (method == "Analyze") return WaitForCancel(call);
    if (method != "Compile") {
      return dcp::sdk::Error{.code = DCP_UNIMPLEMENTED, .message = "there is no such method"};
    }
    return dcp::sdk::Error{.code = DCP_INVALID_ARGUMENT,
                           .message = "no column \"dayy\"",
                           .hint = "day",
                           .id = "PZ0203",
                           .file = "b.yaml",
                           .line = 4,
                           .column = 9};
  }

 private:
  static dcp::sdk::Error WaitForCancel(dcp::sdk::Call& call) {
    std::mutex mutex;
    std::condition_variable changed;
    bool stop = false;
    call.OnCancel([&] {
      const std::lock_guard lock(mutex);
      stop = true;
      changed.notify_all();
    });
    call.Progress(R"({"state":"waiting"})");
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stop; });
    }
    call.OnCancel({});
    return {.code = DCP_CANCELLED, .message = "stopped as asked"};
  }
};

}  // namespace

DCP_SDK_EXPORT(SdkPlugin)
