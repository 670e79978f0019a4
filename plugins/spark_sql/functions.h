// SPDX-License-Identifier: Apache-2.0
//
// What a query may call: Spark's functions, each judged once, and the options that some of them
// take. The judgements are data (functions.tsv, options.tsv, keywords.txt); what calls a function
// in a text is not said here (calls.h), so that another reader of SQL can ask the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::spark_sql {

enum class Judgement {
  kPure,       ///< the value follows from the arguments and the session's settings alone
  kArguments,  ///< reads its arguments only, of which the text of some must be looked at
  kContext,    ///< reads the clock, random numbers, or the name and place of the query itself
  kReaches,    ///< reads or starts what the query does not name as a table; refused
};

enum class FunctionPlace {
  kExpression,
  kTable,
  kBoth,
  kGrammar,    ///< a word of the grammar, in no registry
  kCatalog,    ///< of Iceberg's catalogs: CATALOG.system.NAME
  kElsewhere,  ///< of another Spark, not in this one
};

struct Function {
  std::string_view name;
  FunctionPlace place = FunctionPlace::kExpression;
  Judgement judgement = Judgement::kReaches;
  size_t type_at = 0;       ///< the argument, from 1, that is the text of a type; 0: none
  size_t options_at = 0;    ///< the argument, from 1, that is a map of options; 0: none
  std::string_view family;  ///< of those options
  std::string_view why;     ///< a few words for people
};

struct Option {
  std::string_view family;
  std::string_view key;
  Judgement judgement = Judgement::kReaches;
  std::string_view why;
};

/// By its name in lower case, as Spark compares: null when nobody judged it. [any]
const Function* FindFunction(std::string_view name);
/// One of Iceberg's, which are named with their catalog and the namespace `system`. [any]
const Function* FindCatalogFunction(std::string_view name);
/// By family and key; case does not count in a key. [any]
const Option* FindOption(std::string_view family, std::string_view key);
/// Whether the word, in lower case, is one of Spark's grammar. [any]
bool IsKeyword(std::string_view word);

/// Everything that is judged, in the order of the files. [any]
const std::vector<Function>& Functions();
const std::vector<Option>& Options();
/// Names that a query may call and that a person would type, to suggest them. [any]
std::vector<std::string> CallableNames();
/// Keys of the family that may be given. [any]
std::vector<std::string> OptionKeys(std::string_view family);

}  // namespace dcp::spark_sql
