#include "apiserver/registry/object_validation.h"

#include "apimachinery/validation/formats.h"
#include "apimachinery/validation/object_meta.h"
#include "apimachinery/validation/schema_rules.h"
#include "apiserver/registry/resource_codec.h"

namespace pintle::apiserver::registry {

namespace {

apimachinery::NameCheck name_check(NameRule rule) {
  switch (rule) {
    case NameRule::DnsSubdomain: return apimachinery::name_is_dns_subdomain;
    case NameRule::DnsLabel: return apimachinery::name_is_dns_label;
    case NameRule::Dns1035Label: return apimachinery::name_is_dns1035_label;
    case NameRule::PathSegment: return apimachinery::name_is_path_segment;
    case NameRule::Any: return [](std::string_view, bool) { return apimachinery::Faults{}; };
  }
  return apimachinery::name_is_dns_subdomain;
}

}  // namespace

void validate_new_metadata(const Resource& resource, const api::Object& object, FieldErrors& errors) {
  const auto& meta = object_meta(object);
  apimachinery::validate_object_meta(meta, resource.namespaced(), name_check(resource.definition().name_rule), FieldPath("metadata"), errors);
  const std::string_view group = resource.name().group;
  if (group == "admissionregistration.k8s.io" || group == "apiextensions.k8s.io" || group == "apiregistration.k8s.io") return;
  // The groups of the cluster itself want finalizers that tell whose they are.
  for (std::size_t i = 0; i < meta.finalizers.size(); ++i) {
    const std::string& name = meta.finalizers[i];
    if (name.find('/') == std::string::npos && name != "kubernetes" && name != "orphan" && name != "foregroundDeletion")
      errors.invalid(FieldPath("metadata", "finalizers").index(i), name,
                     "must be a standard finalizer's name, or one with a domain (example.com/name)");
  }
}

void validate_changed_metadata(const api::Object& object, const api::Object& old, bool main, FieldErrors& errors) {
  // Upstream checks metadata generically and again for the kind: each fault is told twice.
  for (int i = 0; i < (main ? 2 : 1); ++i)
    apimachinery::validate_object_meta_update(object_meta(object), object_meta(old), FieldPath("metadata"), errors);
}

void validate_by_schema(const api::Object& object, const api::Object* old, FieldErrors& errors) {
  apimachinery::validate_schema(object.type(), object.data(), errors);
  if (old != nullptr) apimachinery::validate_schema_update(object.type(), object.data(), old->data(), errors);
}

}  // namespace pintle::apiserver::registry
