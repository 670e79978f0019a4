// SPDX-License-Identifier: Apache-2.0
//
// Streams that nanoarrow's own writer makes; what pyarrow and Spark write is read in tests/spark.
#include "arrow_rows.h"

#include <dcp/contract/v1/test_backend.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <nanoarrow/nanoarrow_ipc.h>

namespace dcp::spark_connect {
namespace {

namespace v1 = ::dcp::contract::v1;

// A table of one column of lists of texts, `rows` long: row i holds i texts, every third is NULL.
std::string Stream(int rows) {
  ArrowSchema schema{};
  ArrowSchemaInit(&schema);
  EXPECT_EQ(ArrowSchemaSetTypeStruct(&schema, 1), NANOARROW_OK);
  EXPECT_EQ(ArrowSchemaSetType(schema.children[0], NANOARROW_TYPE_LIST), NANOARROW_OK);
  EXPECT_EQ(ArrowSchemaSetName(schema.children[0], "texts"), NANOARROW_OK);
  EXPECT_EQ(ArrowSchemaSetType(schema.children[0]->children[0], NANOARROW_TYPE_STRING),
            NANOARROW_OK);
  ArrowArray array{};
  ArrowError error{};
  EXPECT_EQ(ArrowArrayInitFromSchema(&array, &schema, &error), NANOARROW_OK);
  EXPECT_EQ(ArrowArrayStartAppending(&array), NANOARROW_OK);
  for (int row = 0; row < rows; ++row) {
    if (row % 3 == 2) {
      EXPECT_EQ(ArrowArrayAppendNull(array.children[0], 1), NANOARROW_OK);
    } else {
      for (int i = 0; i < row; ++i) {
        EXPECT_EQ(ArrowArrayAppendString(array.children[0]->children[0],
                                         ArrowCharView(std::to_string(i).c_str())),
                  NANOARROW_OK);
      }
      EXPECT_EQ(ArrowArrayFinishElement(array.children[0]), NANOARROW_OK);
    }
    EXPECT_EQ(ArrowArrayFinishElement(&array), NANOARROW_OK);
  }
  EXPECT_EQ(ArrowArrayFinishBuildingDefault(&array, &error), NANOARROW_OK);
  ArrowArrayView view{};
  EXPECT_EQ(ArrowArrayViewInitFromSchema(&view, &schema, &error), NANOARROW_OK);
  EXPECT_EQ(ArrowArrayViewSetArray(&view, &array, &error), NANOARROW_OK);
  ArrowBuffer bytes{};
  ArrowBufferInit(&bytes);
  ArrowIpcOutputStream output{};
  ArrowIpcWriter writer{};
  EXPECT_EQ(ArrowIpcOutputStreamInitBuffer(&output, &bytes), NANOARROW_OK);
  EXPECT_EQ(ArrowIpcWriterInit(&writer, &output), NANOARROW_OK);
  EXPECT_EQ(ArrowIpcWriterWriteSchema(&writer, &schema, &error), NANOARROW_OK);
  EXPECT_EQ(ArrowIpcWriterWriteArrayView(&writer, &view, &error), NANOARROW_OK);
  EXPECT_EQ(ArrowIpcWriterWriteArrayView(&writer, nullptr, &error), NANOARROW_OK);
  std::string stream(reinterpret_cast<const char*>(bytes.data),
                     static_cast<size_t>(bytes.size_bytes));
  ArrowIpcWriterReset(&writer);
  ArrowBufferReset(&bytes);
  ArrowArrayViewReset(&view);
  ArrowArrayRelease(&array);
  ArrowSchemaRelease(&schema);
  return stream;
}

struct Answer {
  std::string wrong;
  v1::PreviewResponse response;
};
Answer Read(std::string_view stream, RowLimits limits = {1000, 1 << 20}) {
  Answer answer;
  RowReader reader({}, limits, &answer.response);
  answer.wrong = reader.Take(stream);
  return answer;
}
std::string Json(const Answer& answer) {
  std::string text;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(answer.response, &text).ok());
  return answer.wrong + text;
}

TEST(ArrowRowsTest, RowsOfAStream) {
  EXPECT_EQ(Json(Read(Stream(5))),
            R"({"rows":[[[]],[["0"]],[null],[["0","1","2"]],[["0","1","2","3"]]]})");
  EXPECT_EQ(Json(Read(Stream(0))), "{}");
  EXPECT_EQ(Json(Read("")), "{}");
}

TEST(ArrowRowsTest, AnyPlaceInMemoryWillDo) {
  const std::string stream = Stream(7);
  const std::string expected = Json(Read(stream));
  for (size_t shift = 1; shift < 8; ++shift) {
    const std::string moved = std::string(shift, 'x') + stream;
    EXPECT_EQ(Json(Read(std::string_view(moved).substr(shift))), expected) << shift;
  }
}

TEST(ArrowRowsTest, LimitsOverSeveralStreams) {
  v1::PreviewResponse response;
  RowReader reader({}, {8, 1 << 20}, &response);
  EXPECT_EQ(reader.Take(Stream(4)), "");
  EXPECT_EQ(reader.Take(Stream(4)), "");
  EXPECT_FALSE(reader.full());
  EXPECT_FALSE(response.more_rows());
  EXPECT_EQ(reader.Take(Stream(1)), "");
  EXPECT_TRUE(reader.full());
  EXPECT_TRUE(response.more_rows());
  EXPECT_EQ(response.rows_size(), 8);
}

TEST(ArrowRowsTest, EveryCutAndEveryTurnedBitEndsInAnAnswer) {
  const std::string stream = Stream(6);
  size_t wrong = 0;
  for (size_t length = 1; length < stream.size(); ++length) {
    wrong += Read(std::string_view(stream).substr(0, length)).wrong.empty() ? 0 : 1;
  }
  EXPECT_GT(wrong, stream.size() / 2);
  for (size_t place = 0; place < stream.size(); ++place) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = stream;
      changed[place] = static_cast<char>(static_cast<unsigned char>(changed[place]) ^ (1U << bit));
      const Answer answer = Read(changed, {50, 10'000});
      EXPECT_LE(answer.response.rows_size(), 50);
      EXPECT_LE(answer.response.ByteSizeLong(), 100'000U);
    }
  }
}

}  // namespace
}  // namespace dcp::spark_connect
