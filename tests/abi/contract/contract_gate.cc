// SPDX-License-Identifier: Apache-2.0
#include "contract_gate.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace dcp::contract_gate {
namespace {

namespace fs = std::filesystem;
using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::EnumValueDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::MethodDescriptorProto;
using google::protobuf::ServiceDescriptorProto;

template <typename Range, typename Condition>
auto Find(const Range& range, Condition condition) -> decltype(&*range.begin()) {
  const auto found = std::find_if(range.begin(), range.end(), condition);
  return found == range.end() ? nullptr : &*found;
}

template <typename Range>
auto Named(const Range& range, const std::string& name) {
  return Find(range, [&](const auto& each) { return each.name() == name; });
}

template <typename Range>
auto Numbered(const Range& range, int number) {
  return Find(range, [&](const auto& each) { return each.number() == number; });
}

/// A number that no field may have. Of a message the end is beyond the last, of an enum it is it.
bool Reserved(const DescriptorProto& message, int number) {
  return Find(message.reserved_range(), [&](const auto& range) {
           return range.start() <= number && number < range.end();
         }) != nullptr;
}
bool Reserved(const EnumDescriptorProto& type, int number) {
  return Find(type.reserved_range(), [&](const auto& range) {
           return range.start() <= number && number <= range.end();
         }) != nullptr;
}

std::string TypeOf(const FieldDescriptorProto& field) {
  return field.type_name().empty() ? FieldDescriptorProto::Type_Name(field.type())
                                   : field.type_name();
}

std::string OneofOf(const DescriptorProto& message, const FieldDescriptorProto& field) {
  return field.has_oneof_index() ? message.oneof_decl(field.oneof_index()).name() : "no oneof";
}

class Comparison {
 public:
  explicit Comparison(std::string file) : file_(std::move(file)) {}

  void File(const FileDescriptorProto& was, const FileDescriptorProto& is) {
    Same("the file", "package", was.package(), is.package());
    Same("the file", "syntax", was.syntax(), is.syntax());
    Messages("", was.message_type(), is.message_type());
    Enums("", was.enum_type(), is.enum_type());
    for (const ServiceDescriptorProto& service : was.service()) {
      const auto* now = Named(is.service(), service.name());
      if (now == nullptr) {
        Say(service.name(), "the service is gone");
      } else {
        Methods(service, *now);
      }
    }
  }

  std::vector<std::string> Take() { return std::move(found_); }

 private:
  void Say(const std::string& what, const std::string& text) {
    found_.push_back(file_ + ": " + what + ": " + text);
  }
  void Same(const std::string& what, const std::string& aspect, const std::string& was,
            const std::string& is) {
    if (was != is) Say(what, aspect + " was " + was + " and is " + is);
  }

  template <typename Range>
  void Messages(const std::string& scope, const Range& was, const Range& is) {
    for (const DescriptorProto& message : was) {
      const std::string name = scope + message.name();
      const DescriptorProto* now = Named(is, message.name());
      if (now == nullptr) {
        Say(name, "the message is gone");
        continue;
      }
      for (const FieldDescriptorProto& field : message.field()) Field(name, message, field, *now);
      Reuse(name, message, message.field(), *now, now->field());
      Messages(name + ".", message.nested_type(), now->nested_type());
      Enums(name + ".", message.enum_type(), now->enum_type());
    }
  }

  void Field(const std::string& scope, const DescriptorProto& message,
             const FieldDescriptorProto& was, const DescriptorProto& now) {
    const std::string name = scope + "." + was.name();
    const FieldDescriptorProto* is = Numbered(now.field(), was.number());
    if (is == nullptr) return Gone(name, was, Named(now.field(), was.name()));
    if (is->name() != was.name()) {
      Say(name, "its number " + std::to_string(was.number()) + " belongs to " + is->name() +
                    " now: renamed, or used again");
    }
    Same(name, "the type", TypeOf(was), TypeOf(*is));
    Same(name, "the label", FieldDescriptorProto::Label_Name(was.label()),
         FieldDescriptorProto::Label_Name(is->label()));
    Same(name, "the JSON name", was.json_name(), is->json_name());
    Same(name, "the oneof", OneofOf(message, was), OneofOf(now, *is));
    Same(name, "presence", was.proto3_optional() ? "explicit" : "implicit",
         is->proto3_optional() ? "explicit" : "implicit");
    Same(name, "options", was.options().ShortDebugString(), is->options().ShortDebugString());
  }

  template <typename Thing>
  void Gone(const std::string& name, const Thing& was, const Thing* moved) {
    const std::string number = std::to_string(was.number());
    if (moved == nullptr) {
      Say(name, "number " + number + " is gone");
    } else {
      Say(name, "renumbered from " + number + " to " + std::to_string(moved->number()));
    }
  }

  /// What was given up for good stays so, and nothing new takes it.
  template <typename Type, typename Range>
  void Reuse(const std::string& scope, const Type& was, const Range& before, const Type& is,
             const Range& after) {
    for (const auto& each : after) {
      if (Numbered(before, each.number()) != nullptr) continue;
      const std::string name = scope + "." + each.name();
      if (Reserved(was, each.number())) {
        Say(name, "takes number " + std::to_string(each.number()) + ", which is reserved");
      }
      if (Find(was.reserved_name(), [&](const auto& n) { return n == each.name(); }) != nullptr) {
        Say(name, "takes a name that is reserved");
      }
    }
    for (const auto& range : was.reserved_range()) {
      if (!Reserved(is, range.start())) {
        Say(scope, "number " + std::to_string(range.start()) + " is not reserved any more");
      }
    }
  }

  template <typename Range>
  void Enums(const std::string& scope, const Range& was, const Range& is) {
    for (const EnumDescriptorProto& type : was) {
      const std::string name = scope + type.name();
      const EnumDescriptorProto* now = Named(is, type.name());
      if (now == nullptr) {
        Say(name, "the enum is gone");
        continue;
      }
      for (const EnumValueDescriptorProto& value : type.value()) Value(name, value, *now);
      Reuse(name, type, type.value(), *now, now->value());
    }
  }

  void Value(const std::string& scope, const EnumValueDescriptorProto& was,
             const EnumDescriptorProto& now) {
    const std::string name = scope + "." + was.name();
    const EnumValueDescriptorProto* is = Named(now.value(), was.name());
    if (is != nullptr && is->number() == was.number()) return;
    const EnumValueDescriptorProto* other = Numbered(now.value(), was.number());
    if (is != nullptr || other == nullptr) return Gone(name, was, is);
    Say(name, "its number " + std::to_string(was.number()) + " belongs to " + other->name() +
                  " now: renamed, or used again");
  }

  void Methods(const ServiceDescriptorProto& was, const ServiceDescriptorProto& is) {
    for (const MethodDescriptorProto& method : was.method()) {
      const std::string name = was.name() + "." + method.name();
      const MethodDescriptorProto* now = Named(is.method(), method.name());
      if (now == nullptr) {
        Say(name, "the method is gone");
        continue;
      }
      Same(name, "the request", method.input_type(), now->input_type());
      Same(name, "the response", method.output_type(), now->output_type());
      Same(name, "streaming of requests", method.client_streaming() ? "on" : "off",
           now->client_streaming() ? "on" : "off");
      Same(name, "streaming of responses", method.server_streaming() ? "on" : "off",
           now->server_streaming() ? "on" : "off");
    }
  }

  const std::string file_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> Differences(const FileDescriptorSet& released,
                                     const FileDescriptorSet& present) {
  std::vector<std::string> all;
  for (const FileDescriptorProto& file : released.file()) {
    const FileDescriptorProto* now = Named(present.file(), file.name());
    if (now == nullptr) {
      all.push_back(file.name() + ": the file is gone");
      continue;
    }
    Comparison comparison(file.name());
    comparison.File(file, *now);
    for (std::string& text : comparison.Take()) all.push_back(std::move(text));
  }
  return all;
}

bool ReadReleased(const std::string& directory, FileDescriptorSet& out, std::string& error) {
  std::set<fs::path> files;  // in order
  std::error_code failed;
  for (const auto& entry : fs::recursive_directory_iterator(directory, failed)) {
    if (entry.path().extension() == ".textproto") files.insert(entry.path());
  }
  for (const fs::path& path : files) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    if (!google::protobuf::TextFormat::ParseFromString(text.str(), out.add_file())) {
      error = path.string() + " is not the text of a FileDescriptorProto";
      return false;
    }
  }
  if (files.empty()) error = "there is no *.textproto below " + directory;
  return !files.empty();
}

bool WriteReleased(const std::string& directory, const FileDescriptorSet& set, std::string& error) {
  for (const FileDescriptorProto& file : set.file()) {
    const fs::path path = (fs::path(directory) / file.name()).replace_extension(".textproto");
    std::string text;
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    std::ofstream out(path);
    out << "# SPDX-License-Identifier: Apache-2.0\n#\n# " << file.name()
        << " as it was accepted (google.protobuf.FileDescriptorProto). Written by contract_gate "
           "accept.\n";
    if (!google::protobuf::TextFormat::PrintToString(file, &text) || !(out << text << std::flush)) {
      error = "cannot write " + path.string();
      return false;
    }
  }
  return true;
}

}  // namespace dcp::contract_gate
