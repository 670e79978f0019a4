// SPDX-License-Identifier: Apache-2.0
//
// Calls in a query's tokens: which '(' may be one, and whether what it calls is allowed
// (functions.h). What is not known to be something else is a call, and a call of what nobody judged
// is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "spark_sql/functions.h"
#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

/// Tokens that are looked back at to find the ARRAY<, MAP< or STRUCT< around a type's name; a type
/// that is longer is not written by hand.
constexpr size_t kTypeTokensMax = 400;

class Calls {
 public:
  /// `tokens` up to `count`, with balanced parentheses (an unbalanced one is refused elsewhere);
  /// they must outlive this.
  Calls(const std::vector<Token>& tokens, size_t count);

  /// Why the call that the '(' at `open` makes is refused; none when it is allowed or no call.
  /// [any]
  std::optional<Denial> Judge(size_t open) const;

 private:
  struct Argument {
    size_t begin = 0;  // tokens [begin, end)
    size_t end = 0;
  };
  struct Name {
    size_t begin = 0;                // its first token
    size_t last = 0;                 // its last one, directly before '('
    std::vector<std::string> parts;  // in lower case (ASCII), as Spark compares
  };

  bool Is(size_t i, std::string_view symbol) const;
  bool IsWord(size_t i, std::string_view word) const;
  bool IsName(size_t i) const;
  void Match();
  void FindHints();
  void FindCtes();
  size_t Cte(size_t name);
  bool IsQuery(size_t open) const;

  Name NameBefore(size_t open) const;
  bool HoldsNames(size_t open) const;
  bool NamesColumns(const Name& name, size_t open) const;
  bool IsAlias(const Name& name, size_t open) const;
  bool IsTypeName(size_t i, size_t open) const;
  bool IsClause(size_t i) const;
  bool InType(size_t i) const;
  std::vector<Argument> Arguments(size_t open) const;

  std::optional<Denial> JudgeName(const Name& name, size_t open) const;
  Denial Unknown(const Name& name) const;
  std::optional<Denial> CheckArguments(const Function& function, size_t open) const;
  std::optional<Denial> CheckType(const Function& function, const Argument& argument) const;
  std::optional<Denial> CheckOptions(const Function& function, const Argument& argument) const;

  const std::vector<Token>& tokens_;
  const size_t count_;
  std::vector<size_t> match_;    // of each '(' its ')', of everything else `count_`
  std::vector<bool> hint_;       // '(' directly in a hint: behind the name of one
  std::vector<bool> cte_;        // names of common table expressions
  std::vector<bool> first_cte_;  // of those, the ones of the statement's own WITH
};

}  // namespace dcp::spark_sql
