// Joining: a node that has a bootstrap token learns, and verifies, which cluster it joins. As kubeadm's discovery: the
// ConfigMap kube-public/cluster-info is read without trust and its signature by the token's secret is checked.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "rt/runtime.h"

namespace pintle::cli {

// The detached JWS that stands for `content` in cluster-info under "jws-kubeconfig-<token id>".
std::string sign_cluster_info(std::string_view content, std::string_view token);
// Unauthorized if the signature is not that token's.
Result<Unit> verify_cluster_info(std::string_view content, std::string_view signature, std::string_view token);

// The certificate authority (PEM) of the cluster at `server_url`. Errors say what the operator can do.
rt::Task<Result<std::string>> discover_ca(rt::Runtime& runtime, rt::Context ctx, std::string server_url, std::string token);

}  // namespace pintle::cli
