// The smaller parts of a definition: names, columns, subresources, selectable fields, conversion.
#include <algorithm>
#include <array>
#include <set>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/apiextensions/apiextensions.h"
#include "apiserver/resources/webhook_client.h"

namespace pintle::apiserver::resources::apiextensions {
namespace {

constexpr std::size_t selectable_fields_max = 8;

void check_label(std::string_view text, bool any_case, const FieldPath& path, FieldErrors& errors) {
  std::string lower(text);
  if (any_case)
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (const auto faults = apimachinery::check_dns1035_label(lower); !faults.empty())
    errors.invalid(path, text, (any_case ? "upper case aside: " : "") + faults.front());
}

// ".spec.replicas"; false when something was wrong.
bool check_simple_path(std::string_view json_path, const FieldPath& path, FieldErrors& errors) {
  if (json_path.starts_with('.')) return true;
  errors.invalid(path, json_path, "must be a path that begins with '.'");
  return false;
}

void check_replicas_path(const std::string& json_path, std::string_view below, std::string_view field, const FieldPath& path, FieldErrors& errors) {
  const FieldPath at = path.child("scale", field);
  if (json_path.empty()) {
    errors.required(at);
  } else if (check_simple_path(json_path, at, errors) && !json_path.starts_with(below)) {
    errors.invalid(at, json_path, "must be a path below " + std::string(below));
  }
}

const v1::JSONSchemaProps* schema_at(const v1::JSONSchemaProps& root, std::string_view json_path) {
  const v1::JSONSchemaProps* at = &root;
  while (!json_path.empty()) {
    if (json_path[0] != '.') return nullptr;
    json_path.remove_prefix(1);
    const std::size_t dot = std::min(json_path.find('.'), json_path.size());
    const auto found = at->properties.find(json_path.substr(0, dot));
    if (found == at->properties.end()) return nullptr;
    at = &found->second;
    json_path.remove_prefix(dot);
  }
  return at;
}

}  // namespace

void validate_names(const v1::CustomResourceDefinitionNames& names, const FieldPath& path, FieldErrors& errors) {
  if (!names.plural.empty()) check_label(names.plural, false, path.child("plural"), errors);
  if (!names.singular.empty()) check_label(names.singular, false, path.child("singular"), errors);
  if (!names.kind.empty()) check_label(names.kind, true, path.child("kind"), errors);
  if (!names.list_kind.empty()) check_label(names.list_kind, true, path.child("listKind"), errors);
  for (std::size_t i = 0; i < names.short_names.size(); ++i) check_label(names.short_names[i], false, path.child("shortNames").index(i), errors);
  if (!names.kind.empty() && names.kind == names.list_kind) errors.invalid(path.child("listKind"), names.list_kind, "kind and listKind must differ");
  for (std::size_t i = 0; i < names.categories.size(); ++i) check_label(names.categories[i], false, path.child("categories").index(i), errors);
}

void validate_subresources(const v1::CustomResourceSubresources& subresources, const FieldPath& path, FieldErrors& errors) {
  if (!subresources.scale) return;
  const auto& scale = *subresources.scale;
  check_replicas_path(scale.spec_replicas_path, ".spec.", "specReplicasPath", path, errors);
  check_replicas_path(scale.status_replicas_path, ".status.", "statusReplicasPath", path, errors);
  if (!scale.label_selector_path || scale.label_selector_path->empty()) return;
  const FieldPath at = path.child("scale", "labelSelectorPath");
  const std::string& selector = *scale.label_selector_path;
  if (check_simple_path(selector, at, errors) && !selector.starts_with(".spec.") && !selector.starts_with(".status."))
    errors.invalid(at, selector, "must be a path below .spec or .status");
}

void validate_column(const v1::CustomResourceColumnDefinition& column, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 5> types{"boolean", "date", "integer", "number", "string"};
  constexpr std::array<std::string_view, 9> formats{"byte", "date", "date-time", "double", "float", "int32", "int64", "password", "uuid"};
  if (column.name.empty()) errors.required(path.child("name"));
  if (column.type.empty()) {
    errors.required(path.child("type"), "must be one of boolean, date, integer, number, string");
  } else if (std::find(types.begin(), types.end(), column.type) == types.end()) {
    errors.invalid(path.child("type"), column.type, "must be one of boolean, date, integer, number, string");
  }
  if (!column.format.empty() && std::find(formats.begin(), formats.end(), column.format) == formats.end())
    errors.invalid(path.child("format"), column.format, "must be a format of OpenAPI");
  if (column.json_path.empty()) {
    errors.required(path.child("JSONPath"));
  } else {
    check_simple_path(column.json_path, path.child("JSONPath"), errors);
  }
}

void validate_selectable_fields(const std::vector<v1::SelectableField>& fields, const v1::CustomResourceValidation* schema, const FieldPath& path,
                                FieldErrors& errors) {
  if (fields.empty()) return;
  if (schema == nullptr || !schema->open_apiv_3_schema) {
    errors.invalid(path, "", "needs a schema");
    return;
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& json_path = fields[i].json_path;
    const FieldPath at = path.index(i).child("jsonPath");
    if (json_path.empty()) {
      errors.required(at);
      continue;
    }
    const auto* found = schema_at(*schema->open_apiv_3_schema, json_path);
    if (found == nullptr) {
      errors.invalid(at, json_path, "is no path to a field of the schema");
      continue;
    }
    if (json_path == ".metadata" || json_path.starts_with(".metadata.")) errors.invalid(at, json_path, "must not point into metadata");
    if (found->type != "string" && found->type != "boolean" && found->type != "integer")
      errors.invalid(at, json_path, "must point to a string, a boolean or an integer");
    if (!seen.insert(json_path).second) errors.duplicate(at, json_path);
  }
  if (seen.size() > selectable_fields_max) errors.too_many(path, seen.size(), selectable_fields_max);
}

bool has_usable_ca_bundle(const v1::CustomResourceDefinitionSpec& spec) {
  if (!spec.conversion || !spec.conversion->webhook || !spec.conversion->webhook->client_config) return true;
  return is_usable_ca_bundle(spec.conversion->webhook->client_config->ca_bundle);
}

void validate_conversion(const v1::CustomResourceConversion& conversion, const v1::CustomResourceDefinitionSpec* old, const FieldPath& path,
                         FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> strategies{"None", "Webhook"};
  if (conversion.strategy.empty()) {
    errors.required(path.child("strategy"));
  } else if (std::find(strategies.begin(), strategies.end(), conversion.strategy) == strategies.end()) {
    errors.not_supported(path.child("strategy"), conversion.strategy, strategies);
  }
  const FieldPath client_path = path.child("webhookClientConfig"), versions_path = path.child("conversionReviewVersions");
  const v1::WebhookClientConfig* client = conversion.webhook ? conversion.webhook->client_config.get() : nullptr;
  const std::vector<std::string> versions = conversion.webhook ? conversion.webhook->conversion_review_versions : std::vector<std::string>();
  if (conversion.strategy != "Webhook") {
    if (client != nullptr) errors.forbidden(client_path, "is for strategy Webhook");
    if (!versions.empty()) errors.forbidden(versions_path, "is for strategy Webhook");
    return;
  }
  if (client == nullptr || client->url.has_value() == client->service.has_value()) {
    errors.required(client_path, "exactly one of url or service is required");
  } else if (client->url) {
    validate_webhook_url(*client->url, client_path.child("url"), errors);
  } else {
    // Name and namespace change places in the report, as they do upstream.
    validate_webhook_service(
        {.ns = client->service->name, .name = client->service->namespace_, .path = client->service->path, .port = client->service->port.value_or(0)},
        client_path.child("service"), errors);
  }
  if (client != nullptr && old != nullptr && has_usable_ca_bundle(*old)) validate_ca_bundle(client->ca_bundle, client_path.child("caBundle"), errors);
  if (versions.empty()) {
    errors.required(versions_path);
    return;
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (!seen.insert(versions[i]).second) {
      errors.invalid(versions_path.index(i), versions[i], "duplicate version");
    } else {
      errors.invalid_all(versions_path.index(i), versions[i], apimachinery::check_dns1035_label(versions[i]));
    }
  }
  if (!seen.contains("v1") && !seen.contains("v1beta1")) errors.invalid(versions_path, versions.front(), "must include one of v1, v1beta1");
}

}  // namespace pintle::apiserver::resources::apiextensions
