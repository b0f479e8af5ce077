// PersistentVolumeClaimSpec: shared by claims, ephemeral volumes and stateful sets' templates.
#pragma once

#include "api/gen/core_v1.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver::resources {

void default_claim_spec(api::core_v1::PersistentVolumeClaimSpec& spec);
void validate_claim_spec(const api::core_v1::PersistentVolumeClaimSpec& spec, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors);
// ReadWriteOnce ...; ReadWriteOncePod alone.
void validate_access_modes(const std::vector<std::string>& modes, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors);

}  // namespace pintle::apiserver::resources
