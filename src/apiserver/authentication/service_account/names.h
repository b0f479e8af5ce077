// How a service account is named as a user.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pintle::apiserver::authentication::service_account {

// system:serviceaccount:NAMESPACE:NAME
std::string user_name(std::string_view ns, std::string_view name);
// Namespace and name; nullopt if `user` is no well-formed service account.
std::optional<std::pair<std::string, std::string>> split_user_name(std::string_view user);
// system:serviceaccounts, system:serviceaccounts:NAMESPACE
std::vector<std::string> group_names(std::string_view ns);

// Keys of UserInfo::extra.
constexpr std::string_view extra_credential_id = "authentication.kubernetes.io/credential-id";
constexpr std::string_view extra_pod_name = "authentication.kubernetes.io/pod-name";
constexpr std::string_view extra_pod_uid = "authentication.kubernetes.io/pod-uid";
constexpr std::string_view extra_node_name = "authentication.kubernetes.io/node-name";
constexpr std::string_view extra_node_uid = "authentication.kubernetes.io/node-uid";

}  // namespace pintle::apiserver::authentication::service_account
