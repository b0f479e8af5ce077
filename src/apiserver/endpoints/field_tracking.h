// Managed fields around the conversion between versions: ownership is tracked on the version that the client wrote.
#pragma once

#include "api/object.h"
#include "apimachinery/apply/field_manager.h"
#include "apiserver/registry/resource_store.h"

namespace pintle::apiserver::endpoints {

// `others`: what is known of the object in the versions of other owners; nullptr: nothing.
// A decoded, defaulted object of `version` in the storage version, with its managed fields: what changed against
// `existing` (storage version; nullptr: a create) belongs to the scope's field manager.
Result<api::Object> to_tracked_storage(const registry::Resource& resource, const registry::VersionBinding& version,
                                       const registry::PartSubresource* part, const RequestScope& scope, api::Object object,
                                       const api::Object* existing, const registry::OtherVersions* others = nullptr);

apimachinery::FieldWriter field_writer(const registry::Resource& resource, const registry::VersionBinding& version,
                                       const registry::PartSubresource* part, const RequestScope& scope,
                                       const registry::OtherVersions* others = nullptr);

}  // namespace pintle::apiserver::endpoints
