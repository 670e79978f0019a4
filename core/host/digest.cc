// SPDX-License-Identifier: Apache-2.0
//
// Stamps and digests of files.
#include "host/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

namespace dcp::host {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;
constexpr int64_t kNsPerSecond = 1'000'000'000;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FromErrno(errno, "cannot write " + path);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return Status::Ok();
}

std::string Hex(const unsigned char* bytes, unsigned size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

/// Reads `from` to its end; what is read goes to `out`, too, unless that is negative.
Result<std::string> Digest(const std::string& from, int out, const std::string& to) {
  // Without O_NONBLOCK a fifo in a plugin's place would stop the caller.
  const Fd in(open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (in.get() < 0) return FromErrno(errno, "cannot open " + from);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return ResourceExhausted("cannot begin a digest of " + from);
  }
  std::array<char, kBlockBytes> block{};
  for (;;) {
    const ssize_t got = read(in.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FromErrno(errno, "cannot read " + from);
    if (got == 0) break;
    const auto size = static_cast<size_t>(got);
    EVP_DigestUpdate(context.get(), block.data(), size);
    if (out >= 0) DCP_TRY(WriteAll(out, {block.data(), size}, to));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return Hex(digest.data(), size);
}

}  // namespace

Result<FileStamp> StampOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FromErrno(errno, "cannot look at " + path);
  const auto ns = [](const timespec& at) { return at.tv_sec * kNsPerSecond + at.tv_nsec; };
  return FileStamp{info.st_dev, info.st_ino, info.st_size, ns(info.st_mtim), ns(info.st_ctim)};
}

Result<std::string> DigestOf(const std::string& path) { return Digest(path, -1, {}); }

Result<std::string> CopyWithDigest(const std::string& from, const std::string& to) {
  const Fd out(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
  if (out.get() < 0) return FromErrno(errno, "cannot make " + to);
  return Digest(from, out.get(), to);
}

}  // namespace dcp::host
