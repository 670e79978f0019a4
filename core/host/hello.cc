// SPDX-License-Identifier: Apache-2.0
#include "host/hello.h"

#include "host/frame.h"

namespace dcp::host {
namespace {

/// Paths, or ports, of one list; more than that is no list of ours.
constexpr uint32_t kListMax = 1000;

void WriteList(BodyWriter& writer, const std::vector<std::string>& list) {
  writer.U32(static_cast<uint32_t>(list.size()));
  for (const std::string& each : list) writer.Text(each);
}

bool ReadList(BodyReader& reader, std::vector<std::string>& out) {
  const uint32_t count = reader.U32();
  if (count > kListMax) return false;
  for (uint32_t i = 0; i < count; ++i) out.emplace_back(reader.Text());
  return reader.ok();
}

void WritePorts(BodyWriter& writer, const std::vector<int>& ports) {
  writer.U32(static_cast<uint32_t>(ports.size()));
  for (const int port : ports) writer.U32(static_cast<uint32_t>(port));
}

bool ReadPorts(BodyReader& reader, std::vector<int>& out) {
  const uint32_t count = reader.U32();
  if (count > kListMax) return false;
  for (uint32_t i = 0; i < count; ++i) out.push_back(static_cast<int>(reader.U32()));
  return reader.ok();
}

}  // namespace

std::string EncodeHello(const Hello& hello) {
  BodyWriter writer;
  writer.U32(kFrameProtocol).Text(hello.plugin_path).Text(hello.plugin_source);
  writer.U32(hello.sandboxed ? 1 : 0);
  writer.U32(hello.sandbox.network ? 1 : 0).U32(hello.sandbox.processes ? 1 : 0);
  writer.U32(hello.sandbox.unix_sockets ? 1 : 0).U32(hello.sandbox.attributes ? 1 : 0);
  writer.U32(hello.sandbox.resolved ? 1 : 0);
  WriteList(writer, hello.sandbox.read);
  WriteList(writer, hello.sandbox.write);
  WritePorts(writer, hello.sandbox.listen);
  writer.I64(hello.limits.memory_bytes).I64(hello.limits.open_files);
  return writer.Take();
}

Result<Hello> DecodeHello(std::string_view body) {
  BodyReader reader(body);
  const uint32_t protocol = reader.U32();
  if (protocol != kFrameProtocol) {
    return FailedPrecondition("the worker speaks protocol " + std::to_string(kFrameProtocol) +
                              ", the host " + std::to_string(protocol) +
                              ": install both from one release");
  }
  Hello hello;
  hello.plugin_path = reader.Text();
  hello.plugin_source = reader.Text();
  hello.sandboxed = reader.U32() != 0;
  hello.sandbox.network = reader.U32() != 0;
  hello.sandbox.processes = reader.U32() != 0;
  hello.sandbox.unix_sockets = reader.U32() != 0;
  hello.sandbox.attributes = reader.U32() != 0;
  hello.sandbox.resolved = reader.U32() != 0;
  const bool lists = ReadList(reader, hello.sandbox.read) &&
                     ReadList(reader, hello.sandbox.write) &&
                     ReadPorts(reader, hello.sandbox.listen);
  hello.limits.memory_bytes = reader.I64();
  hello.limits.open_files = reader.I64();
  if (!lists || !reader.ok()) return InvalidArgument("the host's first frame ends early");
  return hello;
}

}  // namespace dcp::host
