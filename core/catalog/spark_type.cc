// SPDX-License-Identifier: Apache-2.0
//
// A recursive descent parser for Spark's type DDL, and its inverse.
#include "catalog/spark_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace dcp::catalog {
namespace {

using Spelling = std::pair<std::string_view, std::string_view>;

/// What is written -> Iceberg's primitive. Iceberg has no integer below 32 bits and no text with a
/// length, so these widen, as Spark's own Iceberg catalog does.
constexpr std::array kPrimitives = {
    Spelling{"boolean", "boolean"},
    Spelling{"tinyint", "int"},
    Spelling{"byte", "int"},
    Spelling{"smallint", "int"},
    Spelling{"short", "int"},
    Spelling{"int", "int"},
    Spelling{"integer", "int"},
    Spelling{"bigint", "long"},
    Spelling{"long", "long"},
    Spelling{"float", "float"},
    Spelling{"real", "float"},
    Spelling{"double", "double"},
    Spelling{"string", "string"},
    Spelling{"binary", "binary"},
    Spelling{"date", "date"},
    Spelling{"timestamp", "timestamptz"},
    Spelling{"timestamptz", "timestamptz"},
    Spelling{"timestamp_ltz", "timestamptz"},
    Spelling{"timestamp_ntz", "timestamp"},
    Spelling{"uuid", "uuid"},
};

/// Iceberg's primitive -> what Spark calls it.
constexpr std::array kSparkNames = {
    Spelling{"long", "bigint"},
    Spelling{"timestamptz", "timestamp"},
    Spelling{"timestamp", "timestamp_ntz"},
    Spelling{"uuid", "string"},
};

constexpr int kDecimalPrecisionMax = 38;
constexpr int kDecimalPrecisionDefault = 10;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Type> ParseAll() {
    DCP_ASSIGN(Type type, ParseType(0));
    SkipSpace();
    if (at_ != text_.size()) return Fail("is followed by \"" + Rest() + "\"");
    return type;
  }

 private:
  std::string Rest() const { return std::string(text_.substr(at_, 40)); }
  Status Fail(const std::string& why) const {
    return InvalidArgument("the type \"" + std::string(text_.substr(0, 200)) + "\" " + why);
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string Word() {
    SkipSpace();
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }
  static std::string Lower(std::string word) {
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return word;
  }
  /// Takes the word in any case when it comes next.
  bool TakeWord(std::string_view wanted) {
    const size_t before = at_;
    if (Lower(Word()) == wanted) return true;
    at_ = before;
    return false;
  }

  Result<Type> ParseType(int depth) {
    if (depth > kTypeDepthMax) {
      return Fail("nests deeper than " + std::to_string(kTypeDepthMax) + " levels");
    }
    const std::string word = Lower(Word());
    if (word.empty()) {
      return Fail(at_ == text_.size() ? "ends where a type is wanted"
                                      : "has no type at \"" + Rest() + "\"");
    }
    if (word == "array") return ParseList(depth);
    if (word == "map") return ParseMap(depth);
    if (word == "struct") return ParseStruct(depth);
    if (word == "decimal" || word == "dec" || word == "numeric") return ParseDecimal();
    if (word == "char" || word == "varchar") {
      DCP_TRY(ParseLength(word));
      return Primitive("string");
    }
    for (const auto& [written, primitive] : kPrimitives) {
      if (word == written) return Primitive(std::string(primitive));
    }
    return Fail("is not one that a table can hold: \"" + word + "\" is unknown");
  }

  static Type Primitive(std::string name) {
    Type type;
    type.primitive = std::move(name);
    return type;
  }

  /// A number in 0..limit, or -1.
  int Number(int limit) {
    const std::string digits = Word();
    if (digits.empty() || digits.size() > 9 ||
        !std::all_of(digits.begin(), digits.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; })) {
      return -1;
    }
    const int value = std::stoi(digits);
    return value <= limit ? value : -1;
  }

  Status ParseLength(const std::string& word) {
    constexpr int kLengthMax = 1'000'000'000;  // nine digits; Spark's own bound is an int
    if (!Take('(') || Number(kLengthMax) < 1 || !Take(')')) {
      return Fail("wants a length, as in " + word + "(10)");
    }
    return Status::Ok();
  }

  Result<Type> ParseDecimal() {
    int precision = kDecimalPrecisionDefault;
    int scale = 0;
    if (Take('(')) {
      precision = Number(kDecimalPrecisionMax);
      if (Take(',')) scale = Number(kDecimalPrecisionMax);
      if (!Take(')') || precision < 1 || scale < 0 || scale > precision) {
        return Fail("wants decimal(p,s) with 1 <= p <= 38 and 0 <= s <= p");
      }
    }
    return Primitive("decimal(" + std::to_string(precision) + "," + std::to_string(scale) + ")");
  }

  Result<Type> ParseList(int depth) {
    if (!Take('<')) return Fail("wants array<type>");
    Type type;
    type.kind = Type::Kind::kList;
    DCP_ASSIGN(Type element, ParseType(depth + 1));
    type.fields.push_back({"element", std::move(element), true, ""});
    if (!Take('>')) return Fail("misses the > of array<");
    return type;
  }

  Result<Type> ParseMap(int depth) {
    if (!Take('<')) return Fail("wants map<type,type>");
    Type type;
    type.kind = Type::Kind::kMap;
    DCP_ASSIGN(Type key, ParseType(depth + 1));
    if (!Take(',')) return Fail("wants map<type,type>");
    DCP_ASSIGN(Type value, ParseType(depth + 1));
    type.fields.push_back({"key", std::move(key), false, ""});
    type.fields.push_back({"value", std::move(value), true, ""});
    if (!Take('>')) return Fail("misses the > of map<");
    return type;
  }

  Result<Type> ParseStruct(int depth) {
    if (!Take('<')) return Fail("wants struct<name:type,...>");
    Type type;
    type.kind = Type::Kind::kStruct;
    do {
      DCP_ASSIGN(Field field, ParseField(depth));
      for (const Field& other : type.fields) {
        if (other.name == field.name) return Fail("has the field \"" + field.name + "\" twice");
      }
      type.fields.push_back(std::move(field));
    } while (Take(','));
    if (!Take('>')) return Fail("misses the > of struct<");
    return type;
  }

  Result<Field> ParseField(int depth) {
    Field field;
    SkipSpace();
    if (at_ < text_.size() && text_[at_] == '`') {
      if (!Quoted('`', &field.name)) return Fail("has an unterminated `name`");
    } else {
      field.name = Word();
    }
    if (field.name.empty()) return Fail("has a struct field without a name");
    Take(':');  // "a int" is DDL too
    DCP_ASSIGN(field.type, ParseType(depth + 1));
    if (TakeWord("not")) {
      if (!TakeWord("null")) return Fail("has a NOT without NULL");
      field.nullable = false;
    }
    if (TakeWord("comment")) {
      SkipSpace();
      if (at_ >= text_.size() || text_[at_] != '\'' || !Quoted('\'', &field.doc)) {
        return Fail("has a COMMENT without a quoted text");
      }
    }
    return field;
  }

  /// Reads a quoted text in which the quote is written twice.
  bool Quoted(char quote, std::string* out) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != quote) {
        *out += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
        *out += text_[++at_];
      } else {
        ++at_;
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string QuotedName(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_';
  });
  if (plain) return name;
  std::string out = "`";
  for (const char c : name) out.append(c == '`' ? 2 : 1, c);
  return out + "`";
}

}  // namespace

Result<Type> ParseSparkType(std::string_view text) { return Parser(text).ParseAll(); }

std::string SparkDdl(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kPrimitive:
      for (const auto& [primitive, spark] : kSparkNames) {
        if (type.primitive == primitive) return std::string(spark);
      }
      return type.primitive.starts_with("fixed") ? "binary" : type.primitive;
    case Type::Kind::kList:
      return "array<" + SparkDdl(type.fields.at(0).type) + ">";
    case Type::Kind::kMap:
      return "map<" + SparkDdl(type.fields.at(0).type) + "," + SparkDdl(type.fields.at(1).type) +
             ">";
    case Type::Kind::kStruct:
      break;
  }
  std::string out = "struct<";
  for (const Field& field : type.fields) {
    if (out.back() != '<') out += ",";
    out += QuotedName(field.name) + ":" + SparkDdl(field.type);
    if (!field.nullable) out += " NOT NULL";
  }
  return out + ">";
}

}  // namespace dcp::catalog
