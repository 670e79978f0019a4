// SPDX-License-Identifier: Apache-2.0
#include "os/environment.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace dcp::os {
namespace {

/// Linux itself takes about 2 MiB of arguments and environment.
constexpr size_t kEnvironmentBytesMax = size_t{4} << 20;

}  // namespace

Result<Fd> HoldEnvironment(const std::vector<std::pair<std::string, std::string>>& env) {
  std::string text;
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos ||
        value.find('\0') != value.npos) {
      return InvalidArgument("a job's environment variable '" + name +
                             "' has no usable name, or a NUL in its value");
    }
    text += name + "=" + value + '\0';
  }
  if (text.size() > kEnvironmentBytesMax) {
    return ResourceExhausted("a job's environment has " + std::to_string(text.size()) + " bytes");
  }
  Fd file(::memfd_create("job-environment", MFD_CLOEXEC));
  if (!file.valid()) return FromErrno(errno, "cannot hold a job's environment");
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = Retry([&] {
      return ::pwrite(file.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    });
    if (n <= 0) return FromErrno(errno, "cannot hold a job's environment");
    done += static_cast<size_t>(n);
  }
  return file;
}

Result<std::vector<std::string>> ReadEnvironment(int fd) {
  const Fd file(fd);
  std::string text;
  while (text.size() <= kEnvironmentBytesMax) {
    char chunk[4096];
    const ssize_t n = Retry(
        [&] { return ::pread(file.get(), chunk, sizeof chunk, static_cast<off_t>(text.size())); });
    if (n < 0) return FromErrno(errno, "cannot read the job's environment");
    if (n == 0) break;
    text.append(chunk, static_cast<size_t>(n));
  }
  if (!text.empty() && text.back() != '\0') return DataLoss("the job's environment is cut short");
  std::vector<std::string> variables;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\0', at);
    variables.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return variables;
}

}  // namespace dcp::os
