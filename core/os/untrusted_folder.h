// SPDX-License-Identifier: Apache-2.0
//
// A folder that somebody else can write: a job its own, a service its log. Whatever the daemon
// reads or writes there goes through this class, so that nothing put there leads it to another
// file: no link is followed, neither in a name nor in the folders around it; what is read must be a
// plain file that has no second name elsewhere; a pipe is not waited for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/descriptor.h"

namespace dcp::os {

class UntrustedFolder {
 public:
  /// `levels`: how many folders, from the end of `path`, others may have replaced; what is above
  /// them may hold links, which are an operator's. NOT_FOUND when it is not there, INVALID_ARGUMENT
  /// when a link or a file stands in its place.
  static Result<UntrustedFolder> Open(const std::string& path, int levels);

  /// Names are below the folder: "a", "a/b"; INVALID_ARGUMENT for "", "..", "/a", and for what is
  /// no plain file. Reads at most `bytes_max` bytes from `offset` (negative: from the end).
  Result<std::string> ReadRange(const std::string& name, int64_t offset, size_t bytes_max) const;
  /// All of it; RESOURCE_EXHAUSTED when it is larger.
  Result<std::string> Read(const std::string& name, size_t bytes_max) const;
  /// As WriteFileAtomic, 0600; makes the folders between.
  Status Write(const std::string& name, std::string_view content) const;
  /// Whether something of that name is there, a link included.
  bool Has(const std::string& name) const;
  /// Removes what is in it, links and not what they lead to, but for these names.
  Status RemoveAllBut(const std::set<std::string>& kept) const;

 private:
  UntrustedFolder(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  /// The folder that `name` is in; its last part goes into `last`.
  Result<Fd> Enter(const std::string& name, bool make, std::string* last) const;
  Result<int> OpenFile(const std::string& name, struct stat* info) const;

  Fd fd_;
  std::string path_;
};

}  // namespace dcp::os
