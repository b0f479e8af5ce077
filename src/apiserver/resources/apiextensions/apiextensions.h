// What the files of CustomResourceDefinition share.
#pragma once

#include "api/gen/apiextensions_v1.h"
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
void validate_conversion(const v1::CustomResourceConversion& conversion, const FieldPath& path, FieldErrors& errors);

// A whole schema at `path` ("...openAPIV3Schema"): structural rules, then those of OpenAPI, then expressions.
// `path_text` is that of the object that holds it: upstream joins some names to it without a path step.
void validate_schema(const v1::JSONSchemaProps& schema, bool has_status, const FieldPath& holder, FieldErrors& errors);
// The rules that make a schema structural; true when nothing was wrong.
bool validate_structural(const v1::JSONSchemaProps& schema, const FieldPath& path, FieldErrors& errors);

}  // namespace pintle::apiserver::resources::apiextensions
