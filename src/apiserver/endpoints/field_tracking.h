// Managed fields around the conversion between versions: ownership is tracked on the version that the client wrote.
#pragma once

#include "api/object.h"
#include "apimachinery/apply/field_manager.h"
#include "apiserver/registry/resource.h"

namespace pintle::apiserver {

// A decoded, defaulted object of `version` in the storage version, with its managed fields: what changed against
// `existing` (storage version; nullptr: a create) belongs to the scope's field manager.
Result<api::Object> to_tracked_storage(const Resource& resource, const VersionBinding& version, const PartSubresource* part,
                                       const RequestScope& scope, api::Object object, const api::Object* existing);

apimachinery::FieldWriter field_writer(const Resource& resource, const VersionBinding& version, const PartSubresource* part,
                                       const RequestScope& scope);

}  // namespace pintle::apiserver
