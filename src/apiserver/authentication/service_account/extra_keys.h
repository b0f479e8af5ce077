// Keys of UserInfo::extra.
#pragma once

#include <string_view>

namespace pintle::apiserver::authentication::service_account {

constexpr std::string_view extra_credential_id = "authentication.kubernetes.io/credential-id";
constexpr std::string_view extra_pod_name = "authentication.kubernetes.io/pod-name";
constexpr std::string_view extra_pod_uid = "authentication.kubernetes.io/pod-uid";
constexpr std::string_view extra_node_name = "authentication.kubernetes.io/node-name";
constexpr std::string_view extra_node_uid = "authentication.kubernetes.io/node-uid";

}  // namespace pintle::apiserver::authentication::service_account
