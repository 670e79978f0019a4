// SPDX-License-Identifier: Apache-2.0
//
// See spark_type.h.
#include "spark_type.h"

#include <dcp/sdk/yaml.h>

#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <vector>

namespace dcp::derived_dataset {
namespace {

constexpr int kTypeDepthMax = 16;         // deeper types are generated, and recursion stays small
constexpr int kDecimalPrecisionMax = 38;  // Spark's and Iceberg's

const std::map<std::string, std::string, std::less<>>& Scalars() {
  static const std::map<std::string, std::string, std::less<>> kScalars = {
      {"boolean", "boolean"},
      {"bool", "boolean"},
      {"tinyint", "tinyint"},
      {"byte", "tinyint"},
      {"smallint", "smallint"},
      {"short", "smallint"},
      {"int", "int"},
      {"integer", "int"},
      {"bigint", "bigint"},
      {"long", "bigint"},
      {"float", "float"},
      {"real", "float"},
      {"double", "double"},
      {"string", "string"},
      {"binary", "binary"},
      {"date", "date"},
      {"timestamp", "timestamp"},
      {"timestamptz", "timestamp"},
      {"timestamp_ltz", "timestamp"},
      {"timestamp_ntz", "timestamp_ntz"}};
  return kScalars;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Recursive descent over a DDL type. The first error ends it.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  TypeCheck Parse() {
    std::string type = Type(0);
    Blank();
    if (error_.empty() && at_ != text_.size())
      Fail("unexpected `" + std::string(text_.substr(at_)) + "`");
    if (!error_.empty()) return {"", error_, hint_};
    return {type, "", ""};
  }

 private:
  std::string Type(int depth) {
    if (depth > kTypeDepthMax)
      return Fail("types nest deeper than " + std::to_string(kTypeDepthMax) + " levels");
    std::string word = Lower(Word());
    if (word.empty()) return Fail("a type name is missing");
    if (word == "decimal" || word == "dec" || word == "numeric") return Decimal();
    if (word == "array") {
      std::string element = Open() ? Type(depth + 1) : "";
      return Close("array<" + element + ">");
    }
    if (word == "map") {
      std::string key = Open() ? Type(depth + 1) : "";
      if (error_.empty() && !Eat(',')) Fail("`map` takes a key and a value type: map<string,int>");
      std::string value = error_.empty() ? Type(depth + 1) : "";
      return Close("map<" + key + "," + value + ">");
    }
    if (word == "struct") return Struct(depth);
    auto known = Scalars().find(word);
    if (known != Scalars().end()) return known->second;
    if (word == "char" || word == "varchar")
      return Fail("Iceberg has no `" + word + "`", "use string");
    if (word == "void" || word == "null") {
      return Fail("a column of type void holds nothing but NULL", "cast it: CAST(NULL AS string)");
    }
    std::vector<std::string_view> names = {"decimal", "array", "map", "struct"};
    for (const auto& [name, canonical] : Scalars()) names.push_back(name);
    std::string near = sdk::yaml::Nearest(word, names);
    return Fail("unknown type `" + word + "`", near.empty() ? "" : "did you mean `" + near + "`?");
  }
  std::string Decimal() {
    if (!Eat('(')) return "decimal(10,0)";  // Spark's default
    int precision = Number();
    int scale = Eat(',') ? Number() : 0;
    if (error_.empty() && !Eat(')')) Fail("`decimal(` is not closed");
    if (error_.empty() &&
        (precision < 1 || precision > kDecimalPrecisionMax || scale > precision)) {
      Fail("decimal needs 1 to 38 digits, and no more of them after the point");
    }
    return "decimal(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
  }
  std::string Struct(int depth) {
    std::string out = "struct<";
    if (!Open()) return out;
    for (bool first = true; error_.empty(); first = false) {
      std::string name = Quoted();
      if (name.empty()) return Fail("a field of the struct has no name");
      (void)Eat(':');
      out += (first ? "" : ",") + name + ":" + Type(depth + 1);
      size_t mark = at_;
      if (Lower(Word()) == "not" && Lower(Word()) == "null") mark = at_;
      at_ = mark;
      if (!Eat(',')) break;
    }
    return Close(out + ">");
  }
  std::string Quoted() {
    Blank();
    if (at_ >= text_.size() || text_[at_] != '`') return std::string(Word());
    size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return Fail("a backquote is not closed");
    std::string name(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return name;
  }
  std::string_view Word() {
    Blank();
    size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    return text_.substr(begin, at_ - begin);
  }
  int Number() {
    Blank();
    int value = -1;
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) Fail("a number is missing");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }
  bool Eat(char c) {
    Blank();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool Open() {
    if (!Eat('<')) Fail("`<` is missing", "for example array<string>");
    return error_.empty();
  }
  std::string Close(std::string type) {
    if (error_.empty() && !Eat('>')) Fail("`>` is missing");
    return type;
  }
  void Blank() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }
  std::string Fail(std::string error, std::string hint = {}) {
    if (error_.empty()) {
      error_ = std::move(error);
      hint_ = std::move(hint);
    }
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
  std::string hint_;
};

bool HasSmallInteger(const std::string& canonical) {
  return canonical.find("tinyint") != std::string::npos ||
         canonical.find("smallint") != std::string::npos;
}

template <typename Number>
bool IsNumber(std::string_view value) {
  if (value.starts_with('+')) value.remove_prefix(1);
  Number number{};
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc() && end == value.data() + value.size() && !value.empty();
}

bool IsDate(std::string_view value) {
  if (value.size() != 10 || value[4] != '-' || value[7] != '-') return false;
  auto part = [&](size_t from, size_t count) {
    int number = -1;
    std::string_view digits = value.substr(from, count);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return -1;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
  };
  int year = part(0, 4);
  int month = part(5, 2);
  int day = part(8, 2);
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  return day <= kDays[static_cast<size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

/// "2013-01-31[T ]12:30[:59[.123456]][Z|+01:00]".
bool IsTimestamp(std::string_view value) {
  if (value.size() < 10 || !IsDate(value.substr(0, 10))) return false;
  std::string_view rest = value.substr(10);
  if (rest.empty()) return true;
  if (rest[0] != ' ' && rest[0] != 'T') return false;
  rest.remove_prefix(1);
  auto two = [&](int max) {
    if (rest.size() < 2 || !std::isdigit(static_cast<unsigned char>(rest[0])) ||
        !std::isdigit(static_cast<unsigned char>(rest[1]))) {
      return false;
    }
    int number = (rest[0] - '0') * 10 + (rest[1] - '0');
    rest.remove_prefix(2);
    return number <= max;
  };
  auto skip = [&](char c) {
    if (rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
  };
  if (!two(23) || !skip(':') || !two(59)) return false;
  if (skip(':')) {
    if (!two(59)) return false;
    if (skip('.')) {
      size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
      if (digits < 1 || digits > 6) return false;
      rest.remove_prefix(digits);
    }
  }
  if (rest.empty() || rest == "Z") return true;
  if (!skip('+') && !skip('-')) return false;
  return two(18) && skip(':') && two(59) && rest.empty();
}

bool IsDecimal(const std::string& type, std::string_view value) {
  size_t comma = type.find(',');
  int precision = std::stoi(type.substr(8, comma - 8));
  int scale = std::stoi(type.substr(comma + 1));
  if (value.starts_with('-') || value.starts_with('+')) value.remove_prefix(1);
  size_t dot = std::min(value.find('.'), value.size());
  std::string_view whole = value.substr(0, dot);
  std::string_view fraction = dot < value.size() ? value.substr(dot + 1) : std::string_view();
  auto digits = [](std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (whole.empty() || !digits(whole) || !digits(fraction)) return false;
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  return static_cast<int>(fraction.size()) <= scale &&
         static_cast<int>(whole.size()) <= precision - scale;
}

}  // namespace

TypeCheck CheckType(std::string_view text) {
  TypeCheck check = TypeParser(text).Parse();
  if (!check.canonical.empty() && HasSmallInteger(check.canonical)) {
    return {"", "Iceberg has no " + check.canonical, "use int"};
  }
  return check;
}

TypeCheck StoredType(std::string_view engine_type) {
  TypeCheck check = TypeParser(engine_type).Parse();
  for (std::string_view small : {"tinyint", "smallint"}) {
    for (size_t at = 0; (at = check.canonical.find(small, at)) != std::string::npos;) {
      check.canonical.replace(at, small.size(), "int");
    }
  }
  return check;
}

TypeCheck CheckParamType(std::string_view text) {
  TypeCheck check = TypeParser(text).Parse();
  if (check.canonical.empty()) return check;
  for (std::string_view scalar :
       {"string", "boolean", "int", "bigint", "double", "date", "timestamp"}) {
    if (check.canonical == scalar) return check;
  }
  if (check.canonical.starts_with("decimal(")) return check;
  return {"", "a parameter cannot be of type " + check.canonical,
          "one of string, boolean, int, bigint, double, decimal(p,s), date, timestamp"};
}

std::optional<std::string> WrongLiteral(const std::string& type, std::string_view value) {
  bool right = true;
  std::string example;
  if (type == "boolean") {
    right = value == "true" || value == "false";
    example = "true or false";
  } else if (type == "int") {
    right = IsNumber<int32_t>(value);
    example = "an integer of 32 bits";
  } else if (type == "bigint") {
    right = IsNumber<int64_t>(value);
    example = "an integer of 64 bits";
  } else if (type == "double") {
    right = IsNumber<double>(value);
    example = "a number such as 1.5";
  } else if (type == "date") {
    right = IsDate(value);
    example = "a date such as 2013-01-31";
  } else if (type == "timestamp") {
    right = IsTimestamp(value);
    example = "a timestamp such as 2013-01-31T12:30:00Z";
  } else if (type.starts_with("decimal(")) {
    right = IsDecimal(type, value);
    example = "a number that fits " + type;
  }
  if (right) return std::nullopt;
  return "`" + std::string(value) + "` is not " + example;
}

}  // namespace dcp::derived_dataset
