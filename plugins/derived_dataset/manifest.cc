// SPDX-License-Identifier: Apache-2.0
//
// See manifest.h. A field of the manifest is implemented, or refused with "not supported yet"; none
// is ignored in silence.
#include "manifest.h"

#include <algorithm>
#include <set>

#include "spark_type.h"
#include "table_spec.h"

namespace dcp::derived_dataset {
namespace {

namespace yaml = sdk::yaml;

bool IsName(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

bool IsNamespace(std::string_view text) {
  while (true) {
    size_t dot = text.find('.');
    if (!IsName(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

/// A name that SQL can bind with `:name`.
bool IsParamName(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
         std::string_view::npos;
}

const char* CodeOf(yaml::ProblemKind kind) {
  switch (kind) {
    case yaml::ProblemKind::kSyntax:
      return kYaml;
    case yaml::ProblemKind::kUnknownKey:
      return kUnknownKey;
    case yaml::ProblemKind::kUnsupported:
      return kUnsupported;
    case yaml::ProblemKind::kValue:
      return kValue;
  }
  return kValue;
}

/// Reads one document.
class Reader {
 public:
  Reader(const std::string& path, const std::string& catalog, Findings& findings)
      : path_(path), catalog_(catalog), findings_(findings) {}

  std::optional<Manifest> Read(const yaml::Node& document) {
    size_t errors = findings_.errors();
    manifest_.place = At(document.at);
    yaml::Fields root(document, "", problems_);
    if (!root.IsMap() || !ReadKind(root)) {
      Drain();
      return std::nullopt;
    }
    if (const yaml::Node* metadata = root.Need("metadata")) ReadMetadata(*metadata);
    if (const yaml::Node* spec = root.Need("spec")) ReadSpec(*spec);
    if (const yaml::Entry* status = root.GetEntry("status")) {
      findings_.Add(Severity::kWarning, kStatusIgnored, At(status->key_at),
                    "`status` belongs to the daemon and is ignored", "remove it from the file");
    }
    root.Close();
    Drain();
    if (findings_.errors() > errors) return std::nullopt;
    return std::move(manifest_);
  }

 private:
  Place At(yaml::Position at) const { return {path_, at.line, at.column}; }
  void Drain() {
    for (const yaml::Problem& p : problems_.list()) {
      findings_.Error(CodeOf(p.kind), {path_, p.line, p.column}, p.message, p.hint);
    }
    problems_ = yaml::Problems();
  }

  /// False when the document is of another kind: then nothing more is known about its keys.
  bool ReadKind(yaml::Fields& root) {
    auto [version, version_text] = root.NeedTextNode("apiVersion");
    if (version_text && *version_text != "dcp/v1") {
      findings_.Error(kKind, At(version->at), "unknown apiVersion `" + *version_text + "`",
                      "write dcp/v1");
    }
    auto [kind, kind_text] = root.NeedTextNode("kind");
    if (!kind_text) return kind == nullptr && root.Has("spec");
    if (*kind_text == "DerivedDataset") return true;
    if (*kind_text == "Playground") {
      findings_.Error(kUnsupported, At(kind->at), "kind Playground is not supported yet",
                      "create playgrounds with: pretzel playground create");
      return false;
    }
    std::vector<std::string> kinds = {"DerivedDataset"};
    findings_.Error(kKind, At(kind->at), "unknown kind `" + *kind_text + "`",
                    yaml::Nearest(*kind_text, kinds).empty() ? "known: DerivedDataset"
                                                             : "did you mean `DerivedDataset`?");
    return false;
  }

  std::map<std::string, std::string> ReadTexts(yaml::Fields& parent, std::string_view key) {
    std::map<std::string, std::string> out;
    const yaml::Node* node = parent.Get(key);
    if (node == nullptr) return out;
    const yaml::Fields fields(*node, parent.Path(key), problems_);  // says so when it is no map
    // Not asked for by name: each would be looked for among all, and there may be many.
    for (const yaml::Entry& entry : node->entries) {
      const std::string path = fields.Path(entry.key);
      if (entry.value->kind == yaml::Kind::kNull) {
        problems_.Add(entry.key_at, "`" + path + "` has no value", "give it one or remove the key");
      } else if (auto text = yaml::AsText(*entry.value, path, problems_)) {
        out[entry.key] = *text;
      }
    }
    return out;
  }

  void ReadMetadata(const yaml::Node& node) {
    yaml::Fields fields(node, "metadata", problems_);
    auto [name, name_text] = fields.NeedTextNode("name");
    auto [space, space_text] = fields.NeedTextNode("namespace");
    manifest_.labels = ReadTexts(fields, "labels");
    manifest_.annotations = ReadTexts(fields, "annotations");
    fields.Close();
    if (name_text) {
      manifest_.place = At(name->at);
      if (!IsName(*name_text)) {
        findings_.Error(kName, At(name->at), "`" + *name_text + "` is no name of a dataset",
                        "a small letter, then small letters, digits and _");
      }
    }
    if (space_text) CheckNamespace(*space_text, At(space->at));
    if (name_text && space_text) {
      manifest_.name = *space_text + "." + *name_text;
      if (manifest_.name.size() > kDatasetNameMax) {
        findings_.Error(kName, At(name->at),
                        "namespace and name together have more than " +
                            std::to_string(kDatasetNameMax) + " characters");
      }
    }
  }
  void CheckNamespace(const std::string& text, const Place& place) {
    if (!IsNamespace(text)) {
      findings_.Error(kName, place, "`" + text + "` is no namespace",
                      "names of small letters, digits and _, with a dot between levels");
    } else if (!catalog_.empty() && (text == catalog_ || text.starts_with(catalog_ + "."))) {
      findings_.Error(kName, place, "`" + text + "` begins with the catalog's name",
                      text == catalog_ ? "name the namespace inside " + catalog_
                                       : "write " + text.substr(catalog_.size() + 1));
    }
  }

  void ReadSpec(const yaml::Node& node) {
    yaml::Fields fields(node, "spec", problems_);
    if (const yaml::Node* owner = fields.Get("owner")) {
      yaml::Fields inner(*owner, "spec.owner", problems_);
      manifest_.owner_team = inner.Text("team").value_or("");
      manifest_.owner_email = inner.Text("email").value_or("");
      inner.Close();
    }
    manifest_.description = fields.Text("description").value_or("");
    ReadSql(fields);
    if (const yaml::Node* params = fields.Get("params")) ReadParams(*params);
    if (const yaml::Node* schema = fields.Get("schema")) ReadSchema(*schema);
    if (const yaml::Node* materialization = fields.Get("materialization"))
      ReadMaterialization(*materialization);
    ReadTable(fields, path_, manifest_, findings_);
    if (const yaml::Node* runtime = fields.Get("runtime")) ReadRuntime(*runtime);
    fields.Unsupported("inputs", "remove it: inputs are found in the SQL");
    fields.Unsupported("tests", "remove it; `pretzel test` checks the query against the engine");
    fields.Unsupported("expectations", "remove it");
    fields.Unsupported("policies", "remove it");
    fields.Unsupported("diff", "remove it");
    fields.Unsupported("lifecycle", "remove it: a playground's time to live is set with --ttl");
    fields.Unsupported("consumers", "remove it");
    fields.Close();
  }

  void ReadSql(yaml::Fields& spec) {
    const yaml::Node* sql = spec.Get("sql");
    const yaml::Node* file = spec.Get("sqlFile");
    if (spec.Has("sql") == spec.Has("sqlFile")) {
      bool both = spec.Has("sql");
      yaml::Position at = both ? spec.node().Find("sqlFile")->key_at : spec.node().at;
      if (!spec.IsMap()) return;
      findings_.Error(kSqlSource, At(at),
                      both ? "both `spec.sql` and `spec.sqlFile` are given"
                           : "neither `spec.sql` nor `spec.sqlFile` is given",
                      "give exactly one of them");
      return;
    }
    if (sql != nullptr) {
      manifest_.sql_place = At(sql->at);
      if (auto text = yaml::AsText(*sql, "spec.sql", problems_)) {
        manifest_.sql = *text;
        manifest_.sql_source = sql->source;
        manifest_.sql_path = path_;
      }
    }
    if (file != nullptr) {
      manifest_.sql_place = At(file->at);
      if (auto text = yaml::AsText(*file, "spec.sqlFile", problems_)) ReadSqlFile(*text);
    }
  }
  void ReadSqlFile(const std::string& written) {
    std::optional<std::string> normal = NormalPath(written);
    if (!normal || normal->empty()) {
      findings_.Error(kSqlSource, manifest_.sql_place,
                      "`" + written + "` is not a file under the manifest's folder",
                      "give a relative path without `..`");
      return;
    }
    size_t slash = path_.rfind('/');
    manifest_.sql_file = (slash == std::string::npos ? "" : path_.substr(0, slash + 1)) + *normal;
    manifest_.sql_file_as_written = written;
  }

  void ReadParams(const yaml::Node& node) {
    yaml::Fields params(node, "spec.params", problems_);
    if (node.entries.size() > kParamsMax) {
      findings_.Error(kParam, At(node.at),
                      "more than " + std::to_string(kParamsMax) + " parameters");
      return;
    }
    for (const yaml::Entry& entry : node.entries) {
      ParamSpec param;
      param.name = entry.key;
      param.place = At(entry.key_at);
      const yaml::Node* value = params.Get(entry.key);
      if (!IsParamName(entry.key)) {
        findings_.Error(kParam, param.place, "`" + entry.key + "` is no name of a parameter",
                        "a letter or _, then letters, digits and _");
      }
      if (value == nullptr) continue;
      yaml::Fields fields(*value, params.Path(entry.key), problems_);
      auto [type, type_text] = fields.NeedTextNode("type");
      const yaml::Entry* given = fields.GetEntry("default");
      fields.Close();
      if (type_text) {
        TypeCheck check = CheckParamType(*type_text);
        if (check.canonical.empty()) findings_.Error(kParam, At(type->at), check.error, check.hint);
        param.type = check.canonical;
      }
      if (given != nullptr && !param.type.empty()) ReadDefault(*given->value, param);
      manifest_.params.push_back(std::move(param));
    }
  }
  void ReadDefault(const yaml::Node& value, ParamSpec& param) {
    param.has_default = true;
    if (value.kind == yaml::Kind::kNull) return;
    if (value.kind == yaml::Kind::kList || value.kind == yaml::Kind::kMap) {
      findings_.Error(kParam, At(value.at),
                      "a default must be one value, found " + yaml::Describe(value));
    } else if (auto wrong = WrongLiteral(param.type, value.text)) {
      findings_.Error(kParam, At(value.at), "the default of `" + param.name + "`: " + *wrong,
                      "defaults are literals; pass others with --param " + param.name + "=VALUE");
    } else {
      param.value = value.text;
    }
  }

  void ReadSchema(const yaml::Node& node) {
    yaml::Fields fields(node, "spec.schema", problems_);
    fields.Unsupported("contract", "remove it: declared columns must match the query's");
    fields.Unsupported("primaryKey", "remove it");
    const yaml::Node* columns = fields.Get("columns");
    fields.Close();
    if (columns == nullptr) return;
    if (columns->kind != yaml::Kind::kList || columns->items.empty()) {
      findings_.Error(
          kColumn, At(columns->at), "`spec.schema.columns` must be a list of columns",
          "for example - {name: day, type: date}; or remove the key to take the query's columns");
      return;
    }
    if (columns->items.size() > kColumnsMax) {
      findings_.Error(kColumn, At(columns->at),
                      "more than " + std::to_string(kColumnsMax) + " columns");
      return;
    }
    manifest_.columns_declared = true;
    for (const yaml::NodePtr& item : columns->items) ReadColumn(*item);
  }
  void ReadColumn(const yaml::Node& node) {
    yaml::Fields fields(node, "spec.schema.columns[]", problems_);
    if (!fields.IsMap()) return;
    ColumnSpec column;
    column.place = At(node.at);
    auto [name, name_text] = fields.NeedTextNode("name");
    column.name = name_text.value_or("");
    auto [type, type_text] = fields.NeedTextNode("type");
    if (const yaml::Node* nullable = fields.Get("nullable")) {
      column.nullable = yaml::AsBool(*nullable, fields.Path("nullable"), problems_).value_or(true);
    }
    column.description = fields.Text("description").value_or("");
    fields.Unsupported("classification", "remove it");
    fields.Close();
    if (name != nullptr) column.place = At(name->at);
    if (type_text) {
      TypeCheck check = CheckType(*type_text);
      if (check.canonical.empty()) findings_.Error(kColumn, At(type->at), check.error, check.hint);
      column.type = check.canonical;
    }
    std::string folded;
    for (char c : column.name)
      folded += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    if (name_text && column.name.empty()) {
      findings_.Error(kColumn, column.place, "a column needs a name");
    } else if (!column.name.empty() && !column_names_.insert(folded).second) {
      findings_.Error(kColumn, column.place, "the column `" + column.name + "` is declared twice",
                      "Spark does not tell names apart by case");
    }
    manifest_.columns.push_back(std::move(column));
  }

  void ReadMaterialization(const yaml::Node& node) {
    yaml::Fields fields(node, "spec.materialization", problems_);
    auto [type, text] = fields.NeedTextNode("type");
    for (std::string_view key : {"timeColumn", "lookback", "key", "fork"}) {
      fields.Unsupported(key, "remove it: only materialization type `full` is supported");
    }
    fields.Close();
    if (!text || *text == "full") return;
    std::vector<std::string> later = {"append", "overwrite-partitions", "merge"};
    if (std::find(later.begin(), later.end(), *text) != later.end()) {
      findings_.Error(kUnsupported, At(type->at),
                      "materialization type `" + *text + "` is not supported yet", "write full");
    } else {
      findings_.Error(kValue, At(type->at), "unknown materialization type `" + *text + "`",
                      "write full");
    }
  }

  void ReadRuntime(const yaml::Node& node) {
    yaml::Fields fields(node, "spec.runtime", problems_);
    manifest_.test_route = fields.Text("test").value_or("");
    manifest_.run_route = fields.Text("run").value_or("");
    fields.Close();
  }

  const std::string& path_;
  const std::string& catalog_;
  Findings& findings_;
  yaml::Problems problems_;
  Manifest manifest_;
  std::set<std::string> column_names_;
};

}  // namespace

std::optional<std::string> NormalPath(std::string_view path) {
  if (path.starts_with('/') || path.find('\0') != std::string_view::npos ||
      path.find('\\') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string out;
  while (!path.empty()) {
    size_t slash = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part == "..") return std::nullopt;
    if (part.empty() || part == ".") continue;
    out += (out.empty() ? "" : "/") + std::string(part);
  }
  return out;
}

std::vector<Manifest> ParseManifests(const std::string& path, std::string_view text,
                                     const std::string& catalog, Findings& findings) {
  yaml::Problems problems;
  std::vector<yaml::NodePtr> documents = yaml::Parse(text, problems);
  for (const yaml::Problem& p : problems.list()) {
    findings.Error(kYaml, {path, p.line, p.column}, p.message, p.hint);
  }
  std::vector<Manifest> manifests;
  size_t filled = 0;
  for (const yaml::NodePtr& document : documents) {
    if (document->kind == yaml::Kind::kNull) continue;
    ++filled;
    if (auto manifest = Reader(path, catalog, findings).Read(*document))
      manifests.push_back(std::move(*manifest));
  }
  if (filled == 0 && problems.empty()) {
    findings.Error(kNoManifest, {path, 1, 1}, "the file holds no manifest",
                   "begin it with: apiVersion: dcp/v1");
  }
  return manifests;
}

}  // namespace dcp::derived_dataset
