// Validation of metadata: names, labels, annotations, owners, finalizers, and what an update may not change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"
#include "apimachinery/validation/field_errors.h"
#include "apimachinery/validation/formats.h"
#include "base/flat_map.h"

namespace pintle::apimachinery {

inline constexpr std::size_t annotations_bytes_max = 256 << 10;  // keys and values together
inline constexpr std::size_t field_manager_bytes_max = 128;

// Of an object about to be created, its name already generated.
void validate_object_meta(const api::meta_v1::ObjectMeta& meta, bool namespaced, NameCheck name_check, const FieldPath& path, FieldErrors& errors);
// Of `meta` as the successor of `old`.
void validate_object_meta_update(const api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old, const FieldPath& path,
                                 FieldErrors& errors);

void validate_labels(const FlatMap<std::string>& labels, const FieldPath& path, FieldErrors& errors);
void validate_annotations(const FlatMap<std::string>& annotations, const FieldPath& path, FieldErrors& errors);
void validate_finalizers(const std::vector<std::string>& finalizers, const FieldPath& path, FieldErrors& errors);
// nullptr is valid.
void validate_label_selector(const api::meta_v1::LabelSelector* selector, const FieldPath& path, FieldErrors& errors);
void validate_conditions(const std::vector<api::meta_v1::Condition>& conditions, const FieldPath& path, FieldErrors& errors);
void validate_field_manager(std::string_view manager, const FieldPath& path, FieldErrors& errors);
// The detail of an Invalid on a field that may not change.
inline constexpr std::string_view immutable_detail = "field is immutable";

}  // namespace pintle::apimachinery
