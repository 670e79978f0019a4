// SPDX-License-Identifier: Apache-2.0
#include "schema/fill.h"

#include <nlohmann/json.hpp>

#include "base/references.h"

namespace dcp::schema {
namespace {

using Json = nlohmann::json;

Result<std::string> FillText(const std::string& text, const SecretSource& source) {
  DCP_ASSIGN(const std::vector<TextPart> parts, SplitReferences(text));
  std::string filled;
  for (const TextPart& part : parts) {
    if (!part.is_reference) {
      filled += part.text;
      continue;
    }
    const auto value = source(part.text);
    if (!value.ok()) return value.status().With("cannot resolve `${" + part.text + "}`");
    filled += value->Reveal();
  }
  return filled;
}

/// As deep as the configuration's reader lets a file nest.
Status FillValue(Json& value, const SecretSource& source) {
  if (value.is_string()) {
    DCP_ASSIGN(value, FillText(value.get_ref<const std::string&>(), source));
  } else if (value.is_structured()) {
    for (Json& item : value) DCP_TRY(FillValue(item, source));
  }
  return {};
}

}  // namespace

Result<Secret> Fill(const Secret& config_json, const SecretSource& source) {
  // Most configurations have none, and keep their very text.
  if (config_json.Reveal().find("${") == std::string::npos) return config_json;
  Json config = Json::parse(config_json.Reveal(), nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) return InvalidArgument("the configuration is not JSON");
  DCP_TRY(FillValue(config, source));
  try {
    return Secret(config.dump());
  } catch (const Json::exception&) {  // its words would quote the text
    return InvalidArgument("a secret of the configuration is not UTF-8 text")
        .WithHint("JSON carries text alone: write the secret's file in base64 or hex");
  }
}

}  // namespace dcp::schema
