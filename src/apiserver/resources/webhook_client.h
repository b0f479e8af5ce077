// Where a webhook is reached: the checks that admission webhooks and conversion webhooks share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver::resources {

// https://host[/path], nothing else.
void validate_webhook_url(std::string_view url, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors);

struct WebhookService {
  std::string_view ns;
  std::string_view name;
  std::optional<std::string> path;
  int32_t port = 0;
};
void validate_webhook_service(const WebhookService& service, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors);

// Whether a webhook can be trusted by it: by the system's roots where it is empty.
bool is_usable_ca_bundle(std::string_view ca_bundle);
void validate_ca_bundle(std::string_view ca_bundle, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors);

}  // namespace pintle::apiserver::resources
