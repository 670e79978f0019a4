// SPDX-License-Identifier: Apache-2.0
#include "catalog_names.h"

#include <gtest/gtest.h>

namespace dcp::spark_connect {
namespace {

TEST(NamesUrl, IsThatOfTheRestCatalog) {
  EXPECT_EQ(NamesUrl("http://h:1/", NameKind::kTables, {"a", "b c"}, ""),
            "http://h:1/v1/namespaces/a%1Fb%20c/tables?pageSize=500&pageToken=");
  EXPECT_EQ(NamesUrl("http://h:1", NameKind::kNamespaces, {}, "t/1"),
            "http://h:1/v1/namespaces?pageSize=500&pageToken=t%2F1");
  EXPECT_EQ(NamesUrl("http://h:1", NameKind::kNamespaces, {"a"}, ""),
            "http://h:1/v1/namespaces?pageSize=500&pageToken=&parent=a");
}

TEST(NamesPage, ReadsBothListings) {
  const auto tables = ReadNamesPage(
      R"({"identifiers":[{"namespace":["n"],"name":"a"},{"name":"b\u001b[1m"},7,{"name":1}],)"
      R"("next-page-token":"t"})",
      NameKind::kTables);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->names, Names{"a"});
  EXPECT_EQ(tables->next, "t");
  const auto spaces = ReadNamesPage(R"({"namespaces":[["n","m"],[],["o"]],"next-page-token":null})",
                                    NameKind::kNamespaces);
  ASSERT_TRUE(spaces);
  EXPECT_EQ(spaces->names, (Names{"m", "o"}));
  EXPECT_EQ(spaces->next, "");
  EXPECT_FALSE(ReadNamesPage(R"({"error":{}})", NameKind::kTables));
  EXPECT_FALSE(ReadNamesPage("<html>", NameKind::kTables));
  EXPECT_FALSE(ReadNamesPage(R"({"identifiers":{}})", NameKind::kTables));
}

}  // namespace
}  // namespace dcp::spark_connect
