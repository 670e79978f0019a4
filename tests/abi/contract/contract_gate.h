// SPDX-License-Identifier: Apache-2.0
//
// Whether the contract's messages still are the ones that were released: things may be added, and
// nothing else. Descriptors are protoc's own.
#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class FileDescriptorSet;
}

namespace dcp::contract_gate {

/// What was released and is not so any more, one sentence each, beginning with the file and the
/// name: a file, message, field, enum, value, service or method that is gone, renamed, renumbered
/// or of another type; a number or name used again. Empty when there are additions alone.
std::vector<std::string> Differences(const google::protobuf::FileDescriptorSet& released,
                                     const google::protobuf::FileDescriptorSet& present);

/// Reads every *.textproto below `directory`. False, with the reason in `error`, when one cannot be
/// read or there is none.
bool ReadReleased(const std::string& directory, google::protobuf::FileDescriptorSet& out,
                  std::string& error);
/// Writes one file for each file of `set`.
bool WriteReleased(const std::string& directory, const google::protobuf::FileDescriptorSet& set,
                   std::string& error);

}  // namespace dcp::contract_gate
