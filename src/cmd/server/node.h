// Node: the container runtime, the kubelet, the service proxy and the routes of one machine.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/cluster_config.h"
#include "cli/containerd.h"
#include "cli/layout.h"
#include "client/client.h"
#include "cmd/server/component_arguments.h"
#include "cmd/server/control_plane.h"
#include "cni/node_conflist.h"
#include "cni/routes/node_routes.h"
#include "csi_local/driver.h"
#include "kubelet/kubelet.h"
#include "proxy/proxy.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::cmd {

class Node {
 public:
  Node(rt::Runtime& runtime, const cli::ClusterConfig& config, cli::Layout layout, std::string name, std::string ip);
  ~Node();

  // Starts containerd in the background: it needs nothing of the cluster.
  void start_runtime();
  // In the process of a server: reaches the API server in process.
  rt::Task<Result<Unit>> start(ControlPlane& control_plane);
  // As an agent: joins by the token, then works over HTTPS.
  rt::Task<Result<Unit>> join();
  // Pods go on.
  rt::Task<void> stop();

 private:
  rt::Task<void> run_containerd();
  rt::Task<Result<Unit>> ensure_ca();
  rt::Task<Result<Unit>> connect();
  rt::Task<Result<Unit>> start_components(client::Client& client);
  rt::Task<Result<Unit>> start_proxy(client::Client& client);
  rt::Task<Result<Unit>> start_pod_network(client::Client& client);
  rt::Task<Result<Unit>> start_kubelet(client::Client& client);
  rt::Task<Result<Unit>> start_local_storage();
  Result<KubeletSettings> settle_kubelet() const;
  void announce_idle(const KubeletSettings& settings) const;

  rt::Runtime& runtime_;
  const cli::ClusterConfig& config_;
  const cli::Layout layout_;
  const std::string name_;
  const std::string ip_;
  struct ClusterFacts {
    std::string cidr;  // of pods
    std::string dns;   // "": the cluster has none
    std::string domain;
    bool local_storage = false;  // it makes volumes on its nodes' own disks
    std::string serving_ca_pem;  // who signs serving certificates; "": anyone, or not asked for
  };
  ClusterFacts cluster_;
  std::string serving_certificate_;  // without ".crt" and ".key"; "": the kubelet asks for one
  std::unique_ptr<cli::Containerd> containerd_;
  std::optional<Result<Unit>> containerd_result_;
  rt::Event containerd_done_;
  rt::TaskGroup tasks_;
  std::unique_ptr<client::Client> own_client_;
  std::unique_ptr<proxy::Proxy> proxy_;
  std::unique_ptr<cni::NodeConflist> conflist_;
  std::unique_ptr<cni::routes::NodeRoutes> routes_;
  std::unique_ptr<kubelet::Kubelet> kubelet_;
  std::unique_ptr<csi_local::LocalDriver> storage_driver_;
};

}  // namespace pintle::cmd
