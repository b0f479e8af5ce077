// PodSpec, shared by pods, pod templates and every workload: defaults that depend on other fields, and validation.
#pragma once

#include <map>
#include <string_view>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/object_meta.h"
#include "apiserver/types/field_errors.h"

namespace pintle::apiserver::resources {

// What literal defaults of the schema cannot say: the image pull policy by tag, host ports of the host network, the
// empty security context, empty volumes as emptyDir ...
void default_pod_spec(api::core_v1::PodSpec& spec);
// Requests default to limits; in pods alone, not in templates.
void default_pod_requests(api::core_v1::PodSpec& spec);

struct PodSpecRules {
  bool is_template = false;  // of a workload: serviceAccountToken and host checks are the same, names are not drawn
  const api::meta_v1::ObjectMeta* metadata = nullptr;
};
void validate_pod_spec(const api::core_v1::PodSpec& spec, const FieldPath& path, const PodSpecRules& rules, FieldErrors& errors);

// A template's labels, annotations and spec. `path` is the template's.
void validate_pod_template(const api::core_v1::PodTemplateSpec& pod_template, const FieldPath& path, FieldErrors& errors);
// `comparisons`: Lt and Gt are operators here. Whether their feature is on is asked for all kinds at once (registry/forbidden_fields.h).
void validate_tolerations(const std::vector<api::core_v1::Toleration>& tolerations, bool comparisons, const FieldPath& path, FieldErrors& errors);

// Warnings, which refuse nothing.
void pod_warnings(const api::core_v1::PodSpec& spec, const api::meta_v1::ObjectMeta& metadata, std::vector<std::string>& out);
void pod_template_warnings(const api::core_v1::PodTemplateSpec& pod_template, const FieldPath& path, std::vector<std::string>& out);

// Parts that other kinds use too.
void validate_node_selector(const api::core_v1::NodeSelector& selector, const FieldPath& path, FieldErrors& errors);
void validate_affinity(const api::core_v1::PodSpec& spec, const FieldPath& path, FieldErrors& errors);
void validate_label_selector(const api::meta_v1::LabelSelector& selector, const FieldPath& path, FieldErrors& errors);
void validate_resource_requirements(const api::core_v1::ResourceRequirements& requirements, const FieldPath& path, FieldErrors& errors);
// A quantity that is not negative, whole for integer resources.
void validate_resource_quantity(std::string_view resource, const api::Quantity& quantity, const FieldPath& path, FieldErrors& errors);
bool is_integer_resource(std::string_view name);

// The spec's good volumes by name: whether it is a claim (block devices must be).
struct VolumeInfo {
  bool is_claim = false;
};
using VolumeTable = std::map<std::string_view, VolumeInfo>;
VolumeTable validate_volumes(const api::core_v1::PodSpec& spec, const FieldPath& path, FieldErrors& errors);
void validate_all_containers(const api::core_v1::PodSpec& spec, const FieldPath& path, const VolumeTable& volumes, FieldErrors& errors);

}  // namespace pintle::apiserver::resources
