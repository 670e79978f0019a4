// SPDX-License-Identifier: Apache-2.0
//
// contract_gate check|accept SET DIRECTORY: compares protoc's descriptor set SET with what was
// accepted, or takes it over.
#include <google/protobuf/descriptor.pb.h>

#include <fstream>
#include <iostream>

#include "contract_gate.h"

namespace {

int Fail(const std::string& text) {
  std::cerr << "error: " << text << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 4 ? argv[1] : "";
  if (what != "check" && what != "accept") {
    std::cerr << "usage: contract_gate check|accept SET DIRECTORY\n";
    return 2;
  }
  google::protobuf::FileDescriptorSet present;
  std::ifstream file(argv[2], std::ios::binary);
  if (!file || !present.ParseFromIstream(&file) || present.file().empty()) {
    return Fail(std::string(argv[2]) + " is not a descriptor set of protoc");
  }
  std::string error;
  if (what == "accept") {
    return dcp::contract_gate::WriteReleased(argv[3], present, error) ? 0 : Fail(error);
  }
  google::protobuf::FileDescriptorSet released;
  if (!dcp::contract_gate::ReadReleased(argv[3], released, error)) return Fail(error);
  const auto differences = dcp::contract_gate::Differences(released, present);
  for (const std::string& text : differences) std::cerr << text << "\n";
  if (differences.empty()) return 0;
  return Fail(
      "within one major the contract may only grow (docs/plugins/versioning.md); before the freeze "
      "a change that is meant is taken over by the target abi_accept");
}
