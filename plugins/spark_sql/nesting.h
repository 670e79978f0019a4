// SPDX-License-Identifier: Apache-2.0
//
// How deep a query makes Spark recurse. Its parser and its analyser call themselves for each level,
// in a thread and a heap that other tenants' sessions share: some thousand levels end the thread,
// and types of some thousand levels the server.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

/// ARRAY<, MAP< and STRUCT< within each other. A type travels to the client as a message of three
/// levels for each of its own, of which protobuf reads a hundred.
constexpr size_t kTypeDepthMax = 24;
/// CASE within CASE.
constexpr size_t kCaseDepthMax = 100;
/// NOT NOT, - -, and the like in a row.
constexpr size_t kPrefixesMax = 100;
/// Operators, joins or set operations of one level: a + b + c is read as (a + b) + c. Not AND and
/// OR, which Spark balances.
constexpr size_t kChainMax = 400;

/// What of the first `count` tokens is nested too deeply; parentheses are looked at elsewhere.
/// [any]
std::optional<Denial> JudgeNesting(const std::vector<Token>& tokens, size_t count);

/// The deepest level of a type that is written as DDL or JSON, or of a JSON value. [any]
size_t DepthOfText(std::string_view text);

}  // namespace dcp::spark_sql
