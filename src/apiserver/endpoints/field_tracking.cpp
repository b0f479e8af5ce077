#include "apiserver/endpoints/field_tracking.h"

#include "api/codec.h"
#include "apimachinery/apply/metadata_access.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/registry/resource_codec.h"

namespace pintle::apiserver::endpoints {

apimachinery::FieldWriter field_writer(const registry::Resource& resource, const registry::VersionBinding& version,
                                       const registry::PartSubresource* part, const RequestScope& scope, const registry::OtherVersions* others) {
  apimachinery::FieldWriter writer;
  if (others) writer.others = others->known;
  writer.manager = scope.field_manager;
  writer.api_version = version.api_version;
  writer.subresource = scope.subresource;
  writer.reset_fields = &resource.reset_fields(part);
  writer.now = apimachinery::to_api_time(scope.now);
  return writer;
}

Result<api::Object> to_tracked_storage(const registry::Resource& resource, const registry::VersionBinding& version,
                                       const registry::PartSubresource* part, const RequestScope& scope, api::Object object,
                                       const api::Object* existing, const registry::OtherVersions* others) {
  const apimachinery::FieldWriter writer = field_writer(resource, version, part, scope, others);
  const registry::Strategy& strategy = resource.strategy();
  if (version.shape != nullptr) {
    const api::GroupVersionKind& kind = version.kind->gvk;
    codec::Value document = api::to_value(object.type(), object.data(), &kind);
    const codec::Value live = existing ? api::to_value(existing->type(), existing->data(), &kind) : version.shape->schema_view().empty_object();
    apimachinery::track_update(version.shape->schema_view(), live, document, writer);
    registry::object_meta(object).managed_fields = apimachinery::managed_fields_of(document);
    return object;
  }
  if (version.is_storage) {
    strategy.set_defaults(object);
    if (existing) {
      apimachinery::track_update(*existing, object, writer);
    } else {
      apimachinery::track_update(api::Object(object.type()), object, writer);
    }
    return object;
  }
  // Defaults that depend on other fields are stated for the storage version: there and back.
  TRY_ASSIGN(api::Object stored, version.to_storage(std::move(object)));
  strategy.set_defaults(stored);
  TRY_ASSIGN(api::Object shown, version.from_storage(stored));
  api::Object live(version.type());
  if (existing) {
    TRY_ASSIGN(live, version.from_storage(*existing));
  }
  apimachinery::track_update(live, shown, writer);
  return version.to_storage(std::move(shown));
}

}  // namespace pintle::apiserver::endpoints
