// The plugins about storage: DefaultStorageClass, StorageObjectInUseProtection, PersistentVolumeClaimResize.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

// A claim that names no class gets the default one.
std::unique_ptr<AdmissionPlugin> make_default_storage_class(const AdmissionDeps& deps);
// Volumes and claims in use stay until they are not: a finalizer that a controller takes away.
std::unique_ptr<AdmissionPlugin> make_storage_object_in_use_protection(const AdmissionDeps& deps);
// A claim grows only if it is bound and its class allows it.
std::unique_ptr<AdmissionPlugin> make_persistent_volume_claim_resize(const AdmissionDeps& deps);

}  // namespace pintle::apiserver
