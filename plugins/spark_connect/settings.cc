// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "spark_sql/suggest.h"

namespace dcp::spark_connect {
namespace {

using nlohmann::json;

sdk::Error Bad(std::string message, std::string hint = {}) {
  sdk::Error error;
  error.code = DCP_INVALID_ARGUMENT;
  error.message = "spark_connect: " + std::move(message);
  error.hint = std::move(hint);
  error.id = "PZ0230";
  return error;
}

// Sets one key; answers what is wrong, or "".
class Reader {
 public:
  explicit Reader(Settings& settings) : settings_(settings) {}

  std::string Read(const std::string& key, const json& value) {
    if (key == "endpoint") return Text(value, settings_.endpoint);
    if (key == "token") return Text(value, settings_.token);
    if (key == "tls") {
      if (!value.is_boolean()) return "must be true or false";
      settings_.tls = value.get<bool>();
      return {};
    }
    if (key == "sessionsMax")
      return Number(value, kSessionsMin, kSessionsMax, settings_.sessions_max);
    if (key == "sessionIdleMs") return Number(value, 1, kDurationMsMax, settings_.session_idle_ms);
    return Number(value, 1, kDurationMsMax, settings_.default_timeout_ms);
  }

 private:
  static std::string Text(const json& value, std::string& out) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      return "must be text that is not empty";
    }
    out = value.get<std::string>();
    return {};
  }
  static std::string Number(const json& value, int64_t low, int64_t high, int64_t& out) {
    if (!value.is_number_integer() || value < low || value > high) {
      return "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    }
    out = value.get<int64_t>();
    return {};
  }

  Settings& settings_;
};

bool IsEndpoint(std::string_view endpoint) {
  const size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view digits = endpoint.substr(colon + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port > 0 && port < 65536 &&
         endpoint.find('/') == std::string_view::npos;
}

}  // namespace

bool IsLoopback(std::string_view endpoint) {
  const std::string_view host = endpoint.substr(0, endpoint.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  // A name such as 127.example.org only looks like an address.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

sdk::Outcome<Settings> ParseSettings(std::string_view text) {
  static const std::vector<std::string> kKeys = {
      "endpoint", "token", "tls", "sessionsMax", "sessionIdleMs", "defaultTimeoutMs"};
  Settings settings;
  const json config = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return Bad("the configuration is not a JSON object");
  for (const auto& [key, value] : config.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      const std::string nearest = spark_sql::Nearest(key, kKeys);
      return Bad("unknown key '" + key + "'",
                 nearest.empty() ? "remove it" : "did you mean '" + nearest + "'?");
    }
    if (std::string wrong = Reader(settings).Read(key, value); !wrong.empty()) {
      return Bad("'" + key + "' " + wrong);
    }
  }
  if (!IsEndpoint(settings.endpoint)) {
    return Bad("'endpoint' is not host:port: '" + settings.endpoint + "'", "write 127.0.0.1:15002");
  }
  if (!settings.token.empty() && !settings.tls && !IsLoopback(settings.endpoint)) {
    return Bad("a token would cross the network in clear: 'endpoint' " + settings.endpoint +
                   " is not this machine",
               "set \"tls\": true, or use a loopback endpoint");
  }
  return settings;
}

}  // namespace dcp::spark_connect
