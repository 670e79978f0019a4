// SPDX-License-Identifier: Apache-2.0
#include "base/references.h"

#include <gtest/gtest.h>

namespace dcp {
namespace {

std::string Shown(std::string_view text) {
  std::string shown;
  const auto parts = SplitReferences(text);
  if (!parts.ok()) return "wrong";
  for (const TextPart& part : *parts) {
    shown += part.is_reference ? "<" + part.text + ">" : "[" + part.text + "]";
  }
  return shown;
}

TEST(ReferencesTest, LiteralsAndNamesAreToldApart) {
  EXPECT_EQ(Shown(""), "");
  EXPECT_EQ(Shown("plain $ text"), "[plain $ text]");
  EXPECT_EQ(Shown("a${x}b"), "[a]<x>[b]");
  EXPECT_EQ(Shown("${x}${y.z}"), "<x><y.z>");
  EXPECT_EQ(Shown("$${x}"), "[${x}]");
  EXPECT_EQ(Shown("$$${x}"), "[$${x}]");
  EXPECT_EQ(Shown("${x"), "wrong");
  EXPECT_TRUE(HasReference("a${x}"));
  EXPECT_FALSE(HasReference("a$${x}"));
  EXPECT_FALSE(HasReference("${x"));
}

TEST(ReferencesTest, WhatIsQuotedReadsAsItself) {
  for (const char* literal : {"", "a", "${x}", "$${x}", "$", "$$", "${", "a${b}$${c}$"}) {
    const auto parts = SplitReferences(QuoteReferences(literal));
    ASSERT_TRUE(parts.ok()) << literal;
    std::string all;
    for (const TextPart& part : *parts) {
      EXPECT_FALSE(part.is_reference) << literal;
      all += part.text;
    }
    EXPECT_EQ(all, literal);
  }
}

}  // namespace
}  // namespace dcp
