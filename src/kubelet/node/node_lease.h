// The Lease of a node: how the control plane knows that the kubelet lives. Plan and shell are this small.
#pragma once

#include <string>

#include "api/gen/coordination_v1.h"
#include "client/client.h"
#include "rt/runtime.h"

namespace pintle::kubelet::node {

inline constexpr const char* node_lease_namespace = "kube-node-lease";

struct NodeLeaseDeps {
  rt::Runtime& runtime;
  client::Client& client;
};

struct NodeLeaseOptions {
  std::string node_name;
  std::string node_uid;
  int32_t duration_seconds = 40;
};

// What the Lease should say; `old` nullptr: there is none yet. Pure.
api::coordination_v1::Lease renewed_lease(const api::coordination_v1::Lease* old, const NodeLeaseOptions& options, api::Time now);

// Renews at a quarter of the duration until `ctx` is done; failures are tried again at once a few times, then next time.
rt::Task<void> keep_node_lease(rt::Context ctx, NodeLeaseDeps deps, NodeLeaseOptions options);

}  // namespace pintle::kubelet::node
