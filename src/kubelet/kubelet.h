// Kubelet: the node agent, everything wired. Made, started and stopped on one executor, where all of it runs; stop() leaves pods
// running, and the next start adopts them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "client/client.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

namespace server {
class KubeletHost;
}  // namespace server
class PodConfig;
class PodWorkers;
class NodeAgent;

struct KubeletSetup {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // nullptr: no API server, static pods alone
  // Defaults applied. Without tlsCertFile the server's certificate is asked of the cluster (serverTLSBootstrap), or self-signed.
  api::kubeletconfig_v1beta1::KubeletConfiguration configuration;
  std::string node_name;
  std::vector<std::string> node_ips;  // empty: the address of the default route
  FlatMap<std::string> node_labels;
  std::string root_dir = "/var/lib/kubelet";
  std::string cert_dir;               // "": root_dir/pki
  std::string serving_authority_pem;  // who signs serving certificates in this cluster; "": anyone
  std::string hostname;               // --hostname-override; "": the machine's
  std::string provider_id;
  bool external_cloud_provider = false;
};

class Kubelet {
 public:
  explicit Kubelet(KubeletSetup setup);
  ~Kubelet();
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;

  // Connects to the runtime (waiting for it), adopts what runs, follows the pods of the node, and registers the node.
  rt::Task<Result<Unit>> start();
  // Ends the kubelet's work; pods go on. Await it before the destructor.
  rt::Task<void> stop();

  // shutdownGracePeriod is configured: pods are to be ended before the machine goes down.
  bool has_shutdown() const;
  // Ends them, by priority, each group within its time; takes no new ones. Between start() and stop().
  rt::Task<void> shut_down_pods(rt::Context ctx);

  // For the kubelet's HTTP server (src/kubelet/server).
  server::KubeletHost& host();
  // Where further sources of pods (static ones) say what they want.
  PodConfig& pod_config();
  PodWorkers& workers();
  // nullptr without an API server.
  NodeAgent* node_agent();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pintle::kubelet
