// SPDX-License-Identifier: Apache-2.0
#include "os/confine.h"

#include <charconv>

namespace dcp::os {
namespace {

constexpr int kPortMax = 65'535;

Result<int> ParsePort(const std::string& text, int least) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < least || port > kPortMax) {
    return InvalidArgument("\"" + text + "\" is no port");
  }
  return port;
}

}  // namespace

std::vector<std::string> ConfineWords(const std::string& program, const Confinement& confinement,
                                      int environment_fd) {
  std::vector<std::string> words = {program};
  for (const std::string& path : confinement.read) {
    words.insert(words.end(), {"--read", path});
  }
  for (const std::string& path : confinement.write) {
    words.insert(words.end(), {"--write", path});
  }
  if (confinement.connect) {
    words.emplace_back("--ports-only");
    for (const int port : *confinement.connect) {
      words.insert(words.end(), {"--connect", std::to_string(port)});
    }
  }
  for (const int port : confinement.listen) {
    words.insert(words.end(), {"--listen", std::to_string(port)});
  }
  if (confinement.own_network) words.emplace_back("--own-network");
  if (confinement.resolved) words.emplace_back("--resolved");
  if (environment_fd >= 0) {
    words.insert(words.end(), {"--environment-fd", std::to_string(environment_fd)});
  }
  words.emplace_back("--");
  return words;
}

Result<ConfineOrder> ParseConfineWords(const std::vector<std::string>& words) {
  ConfineOrder order;
  size_t at = 0;
  for (; at < words.size() && words[at] != "--"; ++at) {
    const std::string& option = words[at];
    if (option == "--ports-only") {
      if (!order.confinement.connect) order.confinement.connect.emplace();
      continue;
    }
    if (option == "--own-network") {
      order.confinement.own_network = true;
      continue;
    }
    if (option == "--resolved") {
      order.confinement.resolved = true;
      continue;
    }
    if (at + 1 == words.size()) return InvalidArgument(option + " needs a value");
    const std::string& value = words[++at];
    if (option == "--read") {
      order.confinement.read.push_back(value);
    } else if (option == "--write") {
      order.confinement.write.push_back(value);
    } else if (option == "--try") {
      order.attempts.push_back(value);
    } else if (option == "--connect") {
      DCP_ASSIGN(const int port, ParsePort(value, 1));
      if (!order.confinement.connect) order.confinement.connect.emplace();
      order.confinement.connect->push_back(port);
    } else if (option == "--environment-fd") {
      DCP_ASSIGN(order.environment_fd, ParsePort(value, 3));
    } else if (option == "--listen") {
      DCP_ASSIGN(const int port, ParsePort(value, 0));
      order.confinement.listen.push_back(port);
    } else {
      return InvalidArgument("\"" + option + "\" is no option");
    }
  }
  if (at < words.size())
    order.command.assign(words.begin() + static_cast<long>(at) + 1, words.end());
  if (order.confinement.own_network && !order.confinement.connect) {
    return InvalidArgument("a network of its own needs the list of ports that lead out of it");
  }
  if (order.command.empty() == order.attempts.empty()) {
    return InvalidArgument("give a program after `--`, or something to `--try`");
  }
  return order;
}

}  // namespace dcp::os
