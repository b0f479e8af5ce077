// The informer of the Secrets that keep tokens of service accounts, which several controllers watch.
#pragma once

#include "api/gen/core_v1.h"
#include "apimachinery/identity/service_accounts.h"
#include "client/informers.h"

namespace pintle::controller::objects {

inline client::Informer<api::core_v1::Secret> token_secrets(client::Informers& informers) {
  client::InformerOptions options;
  options.field_selector = "type=" + std::string(apimachinery::token_secret_type);
  return informers.of<api::core_v1::Secret>("service-account-tokens", std::move(options));
}

}  // namespace pintle::controller::objects
