// SPDX-License-Identifier: Apache-2.0
//
// Each change that breaks a released message must be found, with the file and the name; additions
// must pass. On the contract's own descriptors.
#include "contract_gate.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace dcp::contract_gate {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kCommon[] = "dcp/contract/v1/common.proto";

class ContractGateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    ASSERT_TRUE(ReadReleased(TEST_GOLDEN, released_, error)) << error;
    present_ = released_;
  }
  static FileDescriptorProto& File(FileDescriptorSet& set, const std::string& name) {
    for (FileDescriptorProto& file : *set.mutable_file()) {
      if (file.name() == name) return file;
    }
    throw std::runtime_error("no file " + name);
  }
  DescriptorProto& Message(const std::string& name) {
    for (DescriptorProto& each : *File(present_, kCommon).mutable_message_type()) {
      if (each.name() == name) return each;
    }
    throw std::runtime_error("no message " + name);
  }
  static int IndexOf(const DescriptorProto& message, const std::string& name) {
    for (int i = 0; i < message.field_size(); ++i) {
      if (message.field(i).name() == name) return i;
    }
    throw std::runtime_error("no field " + name);
  }
  FieldDescriptorProto& Line() {
    DescriptorProto& message = Message("Location");
    return *message.mutable_field(IndexOf(message, "line"));
  }
  static void Add(DescriptorProto& message, const std::string& name, int number) {
    FieldDescriptorProto& field = *message.add_field();
    field.set_name(name);
    field.set_json_name(name);
    field.set_number(number);
    field.set_type(FieldDescriptorProto::TYPE_STRING);
    field.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  }
  std::vector<std::string> Found() const { return Differences(released_, present_); }

  FileDescriptorSet released_;
  FileDescriptorSet present_;
};

std::string In(const std::string& text) { return std::string(kCommon) + ": " + text; }

TEST_F(ContractGateTest, TheSameIsNoDifference) {
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_EQ(released_.file_size(), 5);
}

TEST_F(ContractGateTest, AdditionsPass) {
  Add(Message("Location"), "url", 6);
  present_.mutable_file(0)->add_message_type()->set_name("Later");
  auto* value = File(present_, kCommon).mutable_enum_type(0)->add_value();
  value->set_name("FATAL");
  value->set_number(4);
  present_.add_file()->set_name("dcp/contract/v1/later.proto");
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(ContractGateTest, AFieldThatIsGone) {
  DescriptorProto& message = Message("Location");
  message.mutable_field()->DeleteSubrange(IndexOf(message, "line"), 1);
  EXPECT_THAT(Found(), ElementsAre(In("Location.line: number 2 is gone")));
}

TEST_F(ContractGateTest, AFieldThatIsGoneFailsAlthoughItsNumberIsReserved) {
  DescriptorProto& message = Message("Location");
  message.mutable_field()->DeleteSubrange(IndexOf(message, "line"), 1);
  auto* range = message.add_reserved_range();
  range->set_start(2);
  range->set_end(3);
  EXPECT_THAT(Found(), ElementsAre(In("Location.line: number 2 is gone")));
}

TEST_F(ContractGateTest, AFieldThatWasRenumbered) {
  Line().set_number(9);
  EXPECT_THAT(Found(), ElementsAre(In("Location.line: renumbered from 2 to 9")));
}

TEST_F(ContractGateTest, AFieldOfAnotherType) {
  Line().set_type(FieldDescriptorProto::TYPE_INT64);
  EXPECT_THAT(Found(), ElementsAre(In("Location.line: the type was TYPE_INT32 and is TYPE_INT64")));
}

TEST_F(ContractGateTest, AFieldOfAnotherLabel) {
  Line().set_label(FieldDescriptorProto::LABEL_REPEATED);
  EXPECT_THAT(Found(),
              ElementsAre(In("Location.line: the label was LABEL_OPTIONAL and is LABEL_REPEATED")));
}

TEST_F(ContractGateTest, AFieldThatWasRenamed) {
  Line().set_name("row");
  EXPECT_THAT(Found(),
              ElementsAre(In("Location.line: its number 2 belongs to row now: renamed, or used "
                             "again")));
}

TEST_F(ContractGateTest, AFieldOfAnotherJsonName) {
  Line().set_json_name("row");
  EXPECT_THAT(Found(), ElementsAre(In("Location.line: the JSON name was line and is row")));
}

TEST_F(ContractGateTest, ANumberThatIsUsedAgain) {
  DescriptorProto& message = Message("Location");
  message.mutable_field()->DeleteSubrange(IndexOf(message, "line"), 1);
  Add(message, "url", 2);
  EXPECT_THAT(Found(),
              UnorderedElementsAre(
                  In("Location.line: its number 2 belongs to url now: renamed, or used again"),
                  In("Location.line: the type was TYPE_INT32 and is TYPE_STRING"),
                  In("Location.line: the JSON name was line and is url")));
}

TEST_F(ContractGateTest, ANumberOrNameThatWasGivenUp) {
  for (DescriptorProto& message : *File(released_, kCommon).mutable_message_type()) {
    if (message.name() != "Location") continue;
    auto* range = message.add_reserved_range();
    range->set_start(10);
    range->set_end(12);
    message.add_reserved_name("offset");
  }
  Add(Message("Location"), "offset", 11);
  EXPECT_THAT(Found(),
              UnorderedElementsAre(In("Location.offset: takes number 11, which is reserved"),
                                   In("Location.offset: takes a name that is reserved"),
                                   In("Location: number 10 is not reserved any more")));
}

TEST_F(ContractGateTest, AFieldThatWasMovedIntoAOneof) {
  Message("Location").add_oneof_decl()->set_name("place");
  Line().set_oneof_index(0);
  EXPECT_THAT(Found(), ElementsAre(In("Location.line: the oneof was no oneof and is place")));
}

TEST_F(ContractGateTest, AMessageThatIsGone) {
  Message("Location").set_name("Place");
  EXPECT_THAT(Found(), ElementsAre(In("Location: the message is gone")));
}

TEST_F(ContractGateTest, AnEnumsValues) {
  auto& severity = *File(present_, kCommon).mutable_enum_type(0);
  ASSERT_EQ(severity.name(), "Severity");
  severity.mutable_value(1)->set_name("FAULT");
  severity.mutable_value(2)->set_number(7);
  severity.mutable_value()->DeleteSubrange(3, 1);
  EXPECT_THAT(Found(), UnorderedElementsAre(
                           In("Severity.ERROR: its number 1 belongs to FAULT now: renamed, or used "
                              "again"),
                           In("Severity.WARNING: renumbered from 2 to 7"),
                           In("Severity.INFO: number 3 is gone")));
}

TEST_F(ContractGateTest, FilesAndPackages) {
  File(present_, kCommon).set_package("dcp.contract.v2");
  File(present_, "dcp/contract/v1/process.proto").set_name("dcp/contract/v1/job.proto");
  EXPECT_THAT(Found(), UnorderedElementsAre(
                           In("the file: package was dcp.contract.v1 and is dcp.contract.v2"),
                           "dcp/contract/v1/process.proto: the file is gone"));
}

TEST_F(ContractGateTest, Services) {
  for (FileDescriptorSet* set : {&released_, &present_}) {
    auto* service = File(*set, kCommon).add_service();
    service->set_name("Backend");
    for (const char* name : {"Describe", "Watch"}) {
      auto* method = service->add_method();
      method->set_name(name);
      method->set_input_type(".dcp.contract.v1.Context");
      method->set_output_type(".dcp.contract.v1.Error");
    }
  }
  EXPECT_THAT(Found(), IsEmpty());
  auto& service = *File(present_, kCommon).mutable_service(0);
  service.mutable_method(0)->set_server_streaming(true);
  service.mutable_method(0)->set_input_type(".dcp.contract.v1.Error");
  service.mutable_method()->DeleteSubrange(1, 1);
  EXPECT_THAT(Found(), UnorderedElementsAre(
                           In("Backend.Describe: the request was .dcp.contract.v1.Context and is "
                              ".dcp.contract.v1.Error"),
                           In("Backend.Describe: streaming of responses was off and is on"),
                           In("Backend.Watch: the method is gone")));
}

TEST_F(ContractGateTest, NothingReleasedIsAnError) {
  FileDescriptorSet set;
  std::string error;
  EXPECT_FALSE(ReadReleased("/nonexistent", set, error));
  EXPECT_EQ(error, "there is no *.textproto below /nonexistent");
}

}  // namespace
}  // namespace dcp::contract_gate
