// SPDX-License-Identifier: Apache-2.0
#include "schema/explain.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/id.h"
#include "schema/walk.h"

namespace dcp::schema {
namespace {

/// A message quotes a word, never a page.
constexpr size_t kShownBytesMax = 40;

std::string NameOfType(const std::string& type) {
  static const std::map<std::string, std::string> names = {
      {"string", "text"},           {"number", "a number"},      {"integer", "a whole number"},
      {"boolean", "true or false"}, {"object", "a map of keys"}, {"array", "a list"},
      {"null", "nothing (null)"},
  };
  const auto found = names.find(type);
  return found == names.end() ? type : found->second;
}

std::string KindOf(const OrderedJson& value) {
  if (value.is_string()) return "text";
  if (value.is_boolean()) return value == true ? "true" : "false";
  if (value.is_number_integer()) return "a whole number";
  if (value.is_number()) return "a number";
  if (value.is_object()) return "a map";
  return value.is_array() ? "a list" : "nothing";
}

std::string Joined(const OrderedJson& list, const char* separator) {
  std::string text;
  for (const OrderedJson& item : list) {
    text += (text.empty() ? "" : separator) +
            (item.is_string() ? item.get<std::string>() : item.dump());
  }
  return text;
}

/// What a branch of an anyOf asks for, in a word or two; empty when that cannot be said so shortly.
std::string BranchText(const OrderedJson& branch) {
  if (!branch.is_object()) return "";
  if (branch.contains("title")) return branch["title"].get<std::string>();
  if (branch.contains("required") && !branch["required"].empty()) {
    return "`" + Joined(branch["required"], "` and `") + "`";
  }
  if (branch.contains("const")) return branch["const"].dump();
  if (branch.contains("enum")) return Joined(branch["enum"], ", ");
  if (branch.contains("type") && branch["type"].is_string()) {
    return NameOfType(branch["type"].get<std::string>());
  }
  return "";
}

class Explainer {
 public:
  Explainer(const std::string& compiled, const std::string& config_json,
            const std::set<std::string>& referenced)
      : schema_(OrderedJson::parse(compiled, nullptr, false)),
        config_(OrderedJson::parse(config_json, nullptr, false)),
        referenced_(referenced) {}

  void Add(const Failure& failure) {
    pointer_ = failure.pointer;
    value_ = ValueAt(pointer_);
    schemas_ = SchemasAt(schema_, pointer_);
    secret_ = MaySecret(pointer_);
    switch (failure.keyword) {
      case Keyword::kWithin:
        return;
      case Keyword::kAdditionalProperties:
        return AddUnknownKeys();
      case Keyword::kRequired:
        return AddMissing(failure.name, "is missing");
      case Keyword::kDependencies:
        return AddMissing(failure.name, "is missing, since another key needs it");
      case Keyword::kAnyOf:
      case Keyword::kOneOf:
        return AddBranches(failure.keyword == Keyword::kAnyOf ? "anyOf" : "oneOf");
      case Keyword::kEnum:
        return AddEnum();
      case Keyword::kType:
        return AddType();
      default:
        return AddRule(failure.keyword);
    }
  }

  std::vector<Mistake> Take() {
    std::vector<Mistake> once;
    for (Mistake& mistake : mistakes_) {
      const bool twice = std::any_of(once.begin(), once.end(), [&](const Mistake& other) {
        return other.pointer == mistake.pointer && other.key == mistake.key &&
               other.message == mistake.message;
      });
      if (!twice) once.push_back(std::move(mistake));
    }
    return once;
  }

 private:
  void Put(std::string message, std::string hint = {}) {
    mistakes_.push_back({pointer_, "", false, std::move(message), std::move(hint)});
  }

  const OrderedJson* ValueAt(const std::string& pointer) const {
    const OrderedJson* value = &config_;
    for (const std::string& step : StepsOf(pointer)) {
      if (value->is_array()) {
        const size_t index = static_cast<size_t>(std::strtoul(step.c_str(), nullptr, 10));
        if (index >= value->size()) return nullptr;
        value = &(*value)[index];
      } else {
        const auto found = value->is_object() ? value->find(step) : value->end();
        if (!value->is_object() || found == value->end()) return nullptr;
        value = &*found;
      }
    }
    return value;
  }

  /// Whether the value, or a part of what it stands in, is marked as a secret or refers to one.
  bool MaySecret(const std::string& pointer) const {
    if (referenced_.count(pointer) > 0) return true;
    for (std::string at = pointer;; at.erase(at.rfind('/'))) {
      const auto schemas = SchemasAt(schema_, at);
      if (std::any_of(schemas.begin(), schemas.end(),
                      [](const OrderedJson* each) { return IsSecret(*each); })) {
        return true;
      }
      if (at.empty()) return false;
    }
  }

  /// Of the first subschema that has it.
  const OrderedJson* Rule(const char* keyword) const {
    for (const OrderedJson* schema : schemas_) {
      if (const auto found = schema->find(keyword); found != schema->end()) return &*found;
    }
    return nullptr;
  }
  std::string RuleText(const char* keyword) const {
    const OrderedJson* rule = Rule(keyword);
    return rule == nullptr ? "?" : rule->dump();
  }
  /// "is 200, ", where that may be said.
  std::string Found() const {
    if (secret_ || value_ == nullptr || !value_->is_number()) return "";
    return "is " + value_->dump() + ", ";
  }

  void AddUnknownKeys() {
    std::vector<std::string> known;
    for (const OrderedJson* schema : schemas_) {
      const OrderedJson properties = schema->value("properties", OrderedJson::object());
      for (const auto& [name, part] : properties.items()) {
        if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
      }
    }
    if (value_ == nullptr || !value_->is_object()) return;
    for (const auto& [name, part] : value_->items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string near = Nearest(name.substr(0, kShownBytesMax), known);
      std::string all;
      for (const std::string& key : known) all += (all.empty() ? "" : ", ") + key;
      const std::string hint = !near.empty()   ? "did you mean `" + near + "`?"
                               : known.empty() ? "no keys are known here: remove it"
                                               : "known here: " + all;
      mistakes_.push_back({PointerTo(pointer_, name), "", true, "unknown key", hint});
    }
  }

  void AddMissing(const std::string& name, const char* message) {
    std::string hint;
    for (const OrderedJson* schema : SchemasAt(schema_, PointerTo(pointer_, name))) {
      if (schema->contains("description")) hint = (*schema)["description"].get<std::string>();
      if (!hint.empty()) break;
    }
    mistakes_.push_back({pointer_, name, false, message, hint});
  }

  /// In place of what each branch found, which no one branch's author meant.
  void AddBranches(const char* keyword) {
    std::erase_if(mistakes_, [&](const Mistake& mistake) {
      return mistake.pointer.rfind(pointer_, 0) == 0 &&
             (mistake.pointer.size() == pointer_.size() || mistake.pointer[pointer_.size()] == '/');
    });
    std::string choices;
    if (const OrderedJson* rule = Rule(keyword)) {
      for (const OrderedJson& branch : *rule) {
        const std::string text = BranchText(branch);
        if (text.empty()) {
          choices.clear();
          break;
        }
        choices += (choices.empty() ? "" : "; ") + text;
      }
    }
    const std::string which = std::string(keyword) == "anyOf" ? "at least" : "exactly";
    Put("must be of " + which + " one of the forms that are allowed" +
        (choices.empty() ? "" : ": " + choices));
  }

  void AddEnum() {
    if (referenced_.count(pointer_) > 0) return;  // what it will be is not known
    const OrderedJson* rule = Rule("enum");
    if (rule == nullptr || value_ == nullptr) return Put("is none of the values that are allowed");
    std::string found = KindOf(*value_);
    std::string hint;
    if (!secret_ && value_->is_string()) {
      const auto& text = value_->get_ref<const std::string&>();
      std::vector<std::string> choices;
      for (const OrderedJson& choice : *rule) {
        if (choice.is_string()) choices.push_back(choice.get<std::string>());
      }
      if (text.size() <= kShownBytesMax) {
        found = "`" + text + "`";
        const std::string near = Nearest(text, choices);
        if (!near.empty()) hint = "did you mean `" + near + "`?";
      }
    } else if (!secret_ && value_->is_primitive()) {
      found = value_->dump();
    }
    Put("must be one of " + Joined(*rule, ", ") + "; found " + found, hint);
  }

  void AddType() {
    const OrderedJson* rule = Rule("type");
    if (rule == nullptr || value_ == nullptr) return Put("is of a type that is not allowed");
    std::string wanted;
    bool text = false;
    for (const OrderedJson& type : rule->is_array() ? *rule : OrderedJson::array({*rule})) {
      wanted += (wanted.empty() ? "" : " or ") + NameOfType(type.get<std::string>());
      text = text || type == "string";
    }
    std::string hint;
    if (text && (value_->is_number() || value_->is_boolean())) hint = "put it into quotes";
    if (value_->is_null()) hint = "give it a value or remove the key";
    Put("must be " + wanted + ", found " + KindOf(*value_), hint);
  }

  void AddRule(Keyword keyword) {
    const bool unknown = referenced_.count(pointer_) > 0;
    switch (keyword) {
      case Keyword::kMaximum:
        return Put(Found() + "must be <= " + RuleText("maximum"));
      case Keyword::kExclusiveMaximum:
        return Put(Found() + "must be < " + RuleText("exclusiveMaximum"));
      case Keyword::kMinimum:
        return Put(Found() + "must be >= " + RuleText("minimum"));
      case Keyword::kExclusiveMinimum:
        return Put(Found() + "must be > " + RuleText("exclusiveMinimum"));
      case Keyword::kMultipleOf:
        return Put(Found() + "must be a multiple of " + RuleText("multipleOf"));
      case Keyword::kConst:
        return unknown ? void() : Put("must be " + RuleText("const"));
      case Keyword::kMaxLength:
        return unknown ? void() : Put("must have at most " + RuleText("maxLength") + " characters");
      case Keyword::kMinLength:
        return unknown ? void()
                       : Put("must have at least " + RuleText("minLength") + " characters");
      case Keyword::kPattern:
        return Put("does not match the pattern " + RuleText("pattern"));
      case Keyword::kSecret:
        return Put(
            "is a secret: its text may not stand in the file",
            "write ${secret.NAME} or ${secret_file.NAME}, list NAME under `secrets`, and put "
            "the text into the file NAME of the state's folder `secrets` (mode 0600)");
      case Keyword::kMaxItems:
        return Put("must have at most " + RuleText("maxItems") + " items");
      case Keyword::kMinItems:
        return Put("must have at least " + RuleText("minItems") + " items");
      case Keyword::kUniqueItems:
        return Put("holds the same item twice");
      case Keyword::kContains:
        return Put("holds no item of the kind that it must hold");
      case Keyword::kAdditionalItems:
        return Put("has more items than are allowed");
      case Keyword::kMaxProperties:
        return Put("must have at most " + RuleText("maxProperties") + " keys");
      case Keyword::kMinProperties:
        return Put("must have at least " + RuleText("minProperties") + " keys");
      case Keyword::kNot:
        return Put("is of a form that is not allowed");
      default:
        return Put("does not satisfy the schema");
    }
  }

  const OrderedJson schema_;
  const OrderedJson config_;
  const std::set<std::string>& referenced_;
  std::vector<Mistake> mistakes_;
  // Of the failure that is being explained.
  std::string pointer_;
  const OrderedJson* value_ = nullptr;
  std::vector<const OrderedJson*> schemas_;
  bool secret_ = false;
};

}  // namespace

std::vector<Mistake> Explain(const std::string& compiled, const std::string& config_json,
                             const std::vector<Failure>& failures,
                             const std::set<std::string>& referenced) {
  Explainer explainer(compiled, config_json, referenced);
  for (const Failure& failure : failures) explainer.Add(failure);
  std::vector<Mistake> mistakes = explainer.Take();
  const bool unknown = std::any_of(failures.begin(), failures.end(), [&](const Failure& failure) {
    return failure.keyword != Keyword::kWithin && referenced.count(failure.pointer) > 0;
  });
  // The library says no and not why: better a coarse answer than none.
  if (mistakes.empty() && !failures.empty() && !unknown) {
    std::string deepest;
    for (const Failure& failure : failures) {
      if (failure.pointer.size() > deepest.size()) deepest = failure.pointer;
    }
    mistakes.push_back({deepest, "", false, "holds what the schema does not allow", ""});
  }
  return mistakes;
}

}  // namespace dcp::schema
