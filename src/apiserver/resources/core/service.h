// Services: validation, apart from the strategy.
#pragma once

#include <string>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver::resources {

bool is_headless(const api::core_v1::ServiceSpec& spec);
// Addresses that no endpoint and no external IP may have: they would lead into the node itself or nowhere.
void validate_endpoint_ip(const std::string& text, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors);
void validate_service(const api::core_v1::Service& service, apimachinery::FieldErrors& errors);
void validate_service_update(const api::core_v1::Service& service, const api::core_v1::Service& old, apimachinery::FieldErrors& errors);

}  // namespace pintle::apiserver::resources
