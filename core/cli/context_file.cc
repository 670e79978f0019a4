// SPDX-License-Identifier: Apache-2.0
//
// The person's own file; yaml-cpp reads it.
#include "cli/context_file.h"

#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/id.h"

namespace dcp::cli {
namespace {

constexpr std::array<const char*, 3> kKeys = {"endpoint", "tokenFile", "playground"};
constexpr size_t kContextBytesMax = size_t{64} << 10;  // three short lines and comments

Status At(const std::string& path, const YAML::Mark& mark, const std::string& message) {
  return InvalidArgument(message).At({path, mark.line + 1, mark.column + 1});
}

Result<Context> Parse(const std::string& path, const std::string& text) {
  try {
    const YAML::Node root = YAML::Load(text);
    Context context;
    if (root.IsNull()) return context;
    if (!root.IsMap()) return At(path, root.Mark(), "the file is not a map of settings");
    for (const auto& entry : root) {
      const auto key = entry.first.as<std::string>();
      std::string* target = key == "endpoint"     ? &context.endpoint
                            : key == "tokenFile"  ? &context.token_file
                            : key == "playground" ? &context.playground
                                                  : nullptr;
      if (target == nullptr) {
        const std::string nearest = Nearest(key, kKeys);
        return At(path, entry.first.Mark(), "unknown key \"" + key + "\"")
            .WithHint(nearest.empty() ? "keys are endpoint, tokenFile and playground"
                                      : "did you mean \"" + nearest + "\"?");
      }
      if (!entry.second.IsScalar()) {
        return At(path, entry.second.Mark(), "\"" + key + "\" is not a text");
      }
      if (!target->empty()) return At(path, entry.first.Mark(), "\"" + key + "\" stands twice");
      *target = entry.second.as<std::string>();
    }
    return context;
  } catch (const YAML::Exception& error) {
    return At(path, error.mark, error.msg);
  }
}

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

std::string HomeFolder(const Io& io, const char* variable, const char* below) {
  const std::string set = io.env(variable);
  return !set.empty() && set.front() == '/' ? set : io.env("HOME") + below;
}

}  // namespace

std::string ContextPath(const Io& io) {
  return HomeFolder(io, "XDG_CONFIG_HOME", "/.config") + "/pretzel/config.yaml";
}

Result<Context> ReadContext(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Context();
  std::ifstream file(path, std::ios::binary);
  std::string text(kContextBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file && !file.eof())) return PermissionDenied("cannot read " + path);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kContextBytesMax) {
    return InvalidArgument(path + " is larger than " + std::to_string(kContextBytesMax) + " bytes");
  }
  return Parse(path, text);
}

Status WriteContext(const std::string& path, const Context& context) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!fs::exists(folder, error)) {
    fs::create_directories(folder, error);
    if (error) return FromErrno(error.value(), "making " + folder.string());
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  std::ostringstream text;
  if (!context.endpoint.empty()) text << "endpoint: " << Quoted(context.endpoint) << "\n";
  if (!context.token_file.empty()) text << "tokenFile: " << Quoted(context.token_file) << "\n";
  if (!context.playground.empty()) text << "playground: " << Quoted(context.playground) << "\n";
  const std::string draft = path + "." + RandomHex(4);  // renamed: a reader sees old or new
  {
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file << text.str();
    file.close();
    if (!file) return FromErrno(errno, "writing " + draft);
  }
  chmod(draft.c_str(), 0600);
  if (std::rename(draft.c_str(), path.c_str()) == 0) return {};
  const int failed = errno;
  unlink(draft.c_str());
  return FromErrno(failed, "writing " + path);
}

Setting EndpointSetting(const Io& io, const std::string& flag, const Context& context) {
  if (!flag.empty()) return {flag, "--endpoint"};
  if (const auto set = io.env("PRETZEL_ENDPOINT"); !set.empty()) return {set, "PRETZEL_ENDPOINT"};
  if (!context.endpoint.empty()) return {context.endpoint, ContextPath(io)};
  const std::string runtime = io.env("XDG_RUNTIME_DIR");
  if (!runtime.empty()) return {"unix:" + runtime + "/pretzel/dcpd.sock", "default"};
  return {"unix:" + HomeFolder(io, "XDG_STATE_HOME", "/.local/state") + "/pretzel/dcpd.sock",
          "default"};
}

Setting TokenFileSetting(const Io& io, const Context& context) {
  if (const auto set = io.env("PRETZEL_TOKEN_FILE"); !set.empty()) {
    return {set, "PRETZEL_TOKEN_FILE"};
  }
  if (!context.token_file.empty()) return {context.token_file, ContextPath(io)};
  return {HomeFolder(io, "XDG_STATE_HOME", "/.local/state") + "/pretzel/token", "default"};
}

}  // namespace dcp::cli
