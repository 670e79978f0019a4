// SPDX-License-Identifier: Apache-2.0
#include "engine_error.h"

#include <dcp/spark_connect/rpc_status.pb.h>
#include <gtest/gtest.h>
#include <spark/connect/base.pb.h>

namespace dcp::spark_connect {
namespace {

TEST(EngineError, ReadsTheTrailer) {
  RpcErrorInfo info;
  (*info.mutable_metadata())["errorClass"] = "UNRESOLVED_COLUMN.WITH_SUGGESTION";
  (*info.mutable_metadata())["sqlState"] = "42703";
  (*info.mutable_metadata())["errorId"] = "id";
  (*info.mutable_metadata())["classes"] = R"(["org.apache.spark.sql.AnalysisException"])";
  (*info.mutable_metadata())["messageParameters"] =
      R"({"objectName":"`nam`","proposal":"`a`, `name`"})";
  RpcStatus status;
  auto* any = status.add_details();
  any->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  any->set_value(info.SerializeAsString());
  const EngineError error = FromFailure({DCP_INTERNAL, "m", status.SerializeAsString()});
  EXPECT_EQ(error.error_class, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
  EXPECT_EQ(error.error_id, "id");
  EXPECT_TRUE(IsAboutQuery(error));
  EXPECT_EQ(HintFor(error), "did you mean 'name'?");
  EXPECT_EQ(FromFailure({DCP_INTERNAL, "m", "\xFF garbage"}).message, "m");
}

TEST(EngineError, IgnoresPlacesWithinViews) {
  spark::connect::FetchErrorDetailsResponse details;
  details.set_root_error_idx(0);
  auto* throwable = details.add_errors()->mutable_spark_throwable();
  auto* view = throwable->add_query_contexts();
  view->set_object_type("VIEW");
  view->set_start_index(3);
  auto* query = throwable->add_query_contexts();
  query->set_start_index(23);
  query->set_stop_index(26);
  EngineError error;
  AddDetails(details, &error);
  EXPECT_EQ(error.start_index, 23);
  details.set_root_error_idx(7);
  AddDetails(details, &error);  // out of range: ignored
}

TEST(EngineError, KnowsALostSession) {
  EngineError lost;
  lost.error_class = "INVALID_HANDLE.SESSION_CHANGED";
  EXPECT_TRUE(IsSessionLost(lost));
  EXPECT_FALSE(IsSessionLost(EngineError()));
}

TEST(EngineError, TellsTheWordsOfGrpcFromSparks) {
  Settings settings;
  settings.endpoint = "127.0.0.1:1";
  const Client client(settings);
  const RpcFailure torn{DCP_INTERNAL, "frame of size 16711779 overflows local window", ""};
  const sdk::Error connection = ToCallError(FromFailure(torn), torn, client);
  EXPECT_EQ(connection.message,
            "Spark Connect at 127.0.0.1:1 failed: frame of size 16711779 overflows local window");
  EngineError error = FromFailure(torn);
  error.exceptions = {"java.lang.IllegalStateException"};
  EXPECT_TRUE(ToCallError(error, torn, client).message.starts_with("Spark failed on this query: "));
}

}  // namespace
}  // namespace dcp::spark_connect
