// Where a webhook is, as a WebhookClientConfig of either group says it (admission's and the definitions' are two types of one form).
#pragma once

#include "apiserver/callout/callouts.h"

namespace pintle::apiserver::callout {

constexpr int32_t service_port_default = 443;

// Validation has seen to it that it names a URL or a service.
template <class Config>
Target target_of(const Config& config) {
  Target out;
  out.ca_bundle = config.ca_bundle;
  if (!config.service) {
    out.url = config.url.value_or("");
    return out;
  }
  out.service = ServiceName{config.service->namespace_, config.service->name, config.service->port.value_or(service_port_default)};
  out.path = config.service->path.value_or("");
  return out;
}

}  // namespace pintle::apiserver::callout
