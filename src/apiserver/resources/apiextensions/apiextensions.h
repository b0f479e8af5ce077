// What the files of CustomResourceDefinition share.
#pragma once

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/schema/structural_rules.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources::apiextensions {

namespace v1 = api::apiextensions_v1;

// Where upstream's internal form keeps a part: versions that all agree state it once, above them. Error paths say so.
struct Shared {
  bool schema = false;
  bool subresources = false;
  bool columns = false;
  bool selectable_fields = false;
};
Shared shared_parts(const v1::CustomResourceDefinitionSpec& spec);

void validate_names(const v1::CustomResourceDefinitionNames& names, const FieldPath& path, FieldErrors& errors);
void validate_subresources(const v1::CustomResourceSubresources& subresources, const FieldPath& path, FieldErrors& errors);
void validate_column(const v1::CustomResourceColumnDefinition& column, const FieldPath& path, FieldErrors& errors);
void validate_selectable_fields(const std::vector<v1::SelectableField>& fields, const v1::CustomResourceValidation* schema, const FieldPath& path,
                                FieldErrors& errors);
// `old`: nullptr where there was none: a new definition may hold a bundle of authorities that is of no use, which keeps it from being established.
void validate_conversion(const v1::CustomResourceConversion& conversion, const v1::CustomResourceDefinitionSpec* old, const FieldPath& path,
                         FieldErrors& errors);
// Whether its webhook, if there is one, can be trusted by the bundle of authorities that it names.
bool has_usable_ca_bundle(const v1::CustomResourceDefinitionSpec& spec);

// The schema that `holder` holds.
inline void validate_schema(const v1::JSONSchemaProps& schema, const apimachinery::schema::SchemaRules& rules, const FieldPath& holder,
                            FieldErrors& errors) {
  apimachinery::schema::validate_definition_schema(schema, rules, holder.child("openAPIV3Schema"), errors);
}

}  // namespace pintle::apiserver::resources::apiextensions
