// SPDX-License-Identifier: Apache-2.0
//
// Valijson, fed with what it does well. Its patterns are std::regex, which a pattern can keep busy
// for ever and whose recursion a long text can make overflow, so patterns go to RE2; its formats
// throw on values that are no texts, so they are left out.
#include "schema/library.h"

#include <re2/re2.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "schema/walk.h"

namespace dcp::schema {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;
using valijson::ValidationResults;
using valijson::constraints::Constraint;
using valijson::constraints::PolyConstraint;

/// Ours, as the library sees them: keywords that no draft of JSON Schema has.
constexpr char kOurPattern[] = "pretzel-pattern";
constexpr char kOurSecret[] = "pretzel-secret";
/// Memory of one compiled pattern; RE2 refuses what needs more.
constexpr int64_t kPatternMemoryMax = int64_t{1} << 20;

std::shared_ptr<const re2::RE2> PatternOf(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryMax);
  return std::make_shared<const re2::RE2>(text, options);
}

/// The library's path: "<root>", then "[step]"...
std::string PointerOf(const std::vector<std::string>& context) {
  std::string pointer;
  for (size_t i = 1; i < context.size(); ++i) {
    pointer = PointerTo(pointer, context[i].substr(1, context[i].size() - 2));
  }
  return pointer;
}

/// A constraint of ours on texts. `Referenced` outlives it: schemas are built for one use.
template <typename Own>
class TextConstraint : public PolyConstraint {
 public:
  explicit TextConstraint(const std::set<std::string>* referenced) : referenced_(referenced) {}

  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                ValidationResults* results) const override {
    if (!target.isString()) return true;
    const bool referenced = referenced_->count(PointerOf(context)) > 0;
    if (static_cast<const Own*>(this)->Holds(target.asString(), referenced)) return true;
    if (results != nullptr) results->pushError(context, Own::kName);
    return false;
  }

 private:
  Constraint* cloneInto(void* place) const override {
    return new (place) Own(*static_cast<const Own*>(this));
  }
  size_t sizeOf() const override { return sizeof(Own); }

  const std::set<std::string>* referenced_;
};

class PatternConstraint : public TextConstraint<PatternConstraint> {
 public:
  static constexpr const char* kName = kOurPattern;
  PatternConstraint(const std::string& pattern, const std::set<std::string>* referenced)
      : TextConstraint(referenced), pattern_(PatternOf(pattern)) {}
  bool Holds(const std::string& text, bool referenced) const {
    return referenced || re2::RE2::PartialMatch(text, *pattern_);
  }

 private:
  std::shared_ptr<const re2::RE2> pattern_;
};

class SecretConstraint : public TextConstraint<SecretConstraint> {
 public:
  static constexpr const char* kName = kOurSecret;
  explicit SecretConstraint(const std::set<std::string>* referenced) : TextConstraint(referenced) {}
  bool Holds(const std::string& /*text*/, bool referenced) const { return referenced; }
};

template <typename Make>
class Builder : public valijson::ConstraintBuilder {
 public:
  explicit Builder(Make make) : make_(std::move(make)) {}
  Constraint* make(const valijson::adapters::Adapter& value) const override { return make_(value); }

 private:
  Make make_;
};

template <typename Make>
void Register(valijson::SchemaParser& parser, const char* keyword, Make make) {
  parser.addConstraintBuilder(keyword, new Builder<Make>(std::move(make)));
}

/// What decides about a value, and nothing that only explains it.
OrderedJson ForLibrary(const OrderedJson& schema) {
  if (!schema.is_object()) return schema;
  OrderedJson kept = OrderedJson::object();
  for (const auto& [keyword, value] : schema.items()) {
    const Shape shape = ShapeOf(keyword);
    if (shape == Shape::kNote || shape == Shape::kUnsupported || shape == Shape::kUnknown) continue;
    kept[keyword == "pattern" ? kOurPattern : keyword] = WithParts(
        keyword, value,
        [](const OrderedJson& part, const std::string& /*step*/) { return ForLibrary(part); });
  }
  if (IsSecret(schema)) kept[kOurSecret] = true;
  return kept;
}

void Build(const OrderedJson& compiled, const std::set<std::string>& referenced,
           valijson::Schema& schema) {
  const nlohmann::json kept = ForLibrary(compiled);
  valijson::SchemaParser parser;
  Register(parser, kOurPattern, [&](const valijson::adapters::Adapter& value) {
    return new PatternConstraint(value.asString(), &referenced);
  });
  Register(parser, kOurSecret,
           [&](const valijson::adapters::Adapter&) { return new SecretConstraint(&referenced); });
  parser.populateSchema(Adapter(kept), schema);
}

/// The library tells failures apart by their words alone.
struct Words {
  const char* start;
  Keyword keyword;
};
constexpr auto kWords = std::to_array<Words>({
    {"Value type not permitted", Keyword::kType},
    {"Failed to match against any enum", Keyword::kEnum},
    {"Failed to match expected value set by 'const'", Keyword::kConst},
    {"Value should be a multiple of", Keyword::kMultipleOf},
    {"Value could not be converted", Keyword::kMultipleOf},
    {"Expected number less than or equal to", Keyword::kMaximum},
    {"Expected number less than", Keyword::kExclusiveMaximum},
    {"Expected number greater than or equal to", Keyword::kMinimum},
    {"Expected number greater than", Keyword::kExclusiveMinimum},
    {"String should be no more than", Keyword::kMaxLength},
    {"String should be no fewer than", Keyword::kMinLength},
    {kOurPattern, Keyword::kPattern},
    {kOurSecret, Keyword::kSecret},
    {"Array should contain no more than", Keyword::kMaxItems},
    {"Array should contain no fewer than", Keyword::kMinItems},
    {"Elements at indexes", Keyword::kUniqueItems},
    {"Failed to any values against subschema in 'contains'", Keyword::kContains},
    {"Array contains more items than allowed", Keyword::kAdditionalItems},
    {"Cannot validate item #", Keyword::kAdditionalItems},
    {"Object should have no more than", Keyword::kMaxProperties},
    {"Object should have no fewer than", Keyword::kMinProperties},
    {"Missing required property", Keyword::kRequired},
    {"Missing dependency", Keyword::kDependencies},
    {"Object contains a property", Keyword::kAdditionalProperties},
    {"Failed to validate against any schemas allowed by anyOf", Keyword::kAnyOf},
    {"Failed to validate against any child schemas allowed by oneOf", Keyword::kOneOf},
    {"Failed to validate against exactly one child schema", Keyword::kOneOf},
    {"Target should not validate", Keyword::kNot},
    {"Failed to validate", Keyword::kWithin},
});

Failure FailureOf(const ValidationResults::Error& error) {
  Failure failure;
  failure.pointer = PointerOf(error.context);
  for (const Words& words : kWords) {
    if (error.description.rfind(words.start, 0) != 0) continue;
    failure.keyword = words.keyword;
    break;
  }
  const size_t first = error.description.find('\'');
  const size_t last = error.description.rfind('\'');
  if (first < last) failure.name = error.description.substr(first + 1, last - first - 1);
  return failure;
}

}  // namespace

std::string PointerTo(const std::string& pointer, const std::string& step) {
  std::string text = pointer + "/";
  for (const char c : step) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

std::string PatternTrouble(const std::string& pattern) {
  const auto compiled = PatternOf(pattern);
  return compiled->ok() ? "" : compiled->error();
}

Status TryBuild(const std::string& compiled) {
  const std::set<std::string> none;
  try {
    valijson::Schema schema;
    Build(OrderedJson::parse(compiled), none, schema);
    return {};
  } catch (const std::exception& e) {
    return InvalidArgument(std::string("it is no JSON Schema of draft 07: ") + e.what());
  }
}

std::vector<Failure> Validate(const std::string& compiled, const std::string& config_json,
                              const std::set<std::string>& referenced) {
  std::vector<Failure> failures;
  try {
    valijson::Schema schema;
    Build(OrderedJson::parse(compiled), referenced, schema);
    const nlohmann::json config = nlohmann::json::parse(config_json);
    ValidationResults results;
    if (valijson::Validator().validate(schema, Adapter(config), &results)) return {};
    for (const ValidationResults::Error& error : results) failures.push_back(FailureOf(error));
  } catch (const std::exception&) {  // its words may quote a value
  }
  if (failures.empty()) failures.push_back({});
  return failures;
}

}  // namespace dcp::schema
