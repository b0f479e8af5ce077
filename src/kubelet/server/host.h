// KubeletHost: what the kubelet's own HTTP server asks of the kubelet. The server authenticates, authorizes, finds the
// container in the pod's status, reads log files and carries streams; the host knows the pods and the runtime.
// Called on the kubelet's executor; the host outlives the server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "api/gen/kubeletstats_v1alpha1.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::kubelet::server {

// What a client wants to run in a container, or to which streams of it to attach.
struct StreamRequest {
  std::string container_id;          // as the runtime knows it, without "containerd://"
  std::vector<std::string> command;  // empty: attach
  bool stdin = false;
  bool stdout = false;
  bool stderr = false;
  bool tty = false;
};

struct ExecSyncResult {
  std::string stdout;
  std::string stderr;
  int32_t exit_code = 0;
};

class KubeletHost {
 public:
  virtual ~KubeletHost() = default;

  // --- pods ------------------------------------------------------------------------------------------------------------
  // Every pod that this node was told to run (API and static ones), with its status as the kubelet sees it now.
  virtual rt::Task<std::vector<api::core_v1::Pod>> pods() = 0;
  // One of them; nullopt: this node has no such pod.
  virtual rt::Task<std::optional<api::core_v1::Pod>> pod(std::string namespace_name, std::string name) = 0;
  // What the runtime runs: name, namespace, uid, and a container with name and image each.
  virtual rt::Task<Result<std::vector<api::core_v1::Pod>>> running_pods(rt::Context ctx) = 0;

  // --- containers ------------------------------------------------------------------------------------------------------
  // The log file of a container, as the runtime names it. NotFound if the runtime does not know it.
  virtual rt::Task<Result<std::string>> container_log_path(rt::Context ctx, std::string container_id) = 0;
  // Returns when the container runs no more (at once if it does not run); an error only from the context.
  virtual rt::Task<Result<Unit>> wait_container_end(rt::Context ctx, std::string container_id) = 0;
  virtual rt::Task<Result<ExecSyncResult>> exec_sync(rt::Context ctx, std::string container_id, std::vector<std::string> command) = 0;

  // Whether containers may be written to archives (the feature ContainerCheckpoint).
  virtual bool has_checkpoints() const = 0;
  // Has the runtime write a container to an archive below the kubelet's root, and returns its path. `timeout_seconds` 0: the runtime's.
  virtual rt::Task<Result<std::string>> checkpoint(rt::Context ctx, api::core_v1::Pod pod, std::string container, int64_t timeout_seconds) = 0;

  // --- streams: the URL at which the runtime's streaming server carries them (CRI Exec, Attach, PortForward) ----------
  virtual rt::Task<Result<std::string>> exec_url(rt::Context ctx, StreamRequest request) = 0;
  virtual rt::Task<Result<std::string>> attach_url(rt::Context ctx, StreamRequest request) = 0;
  virtual rt::Task<Result<std::string>> port_forward_url(rt::Context ctx, api::core_v1::Pod pod,
                                                         std::vector<int32_t> ports) = 0;  // ports: of WebSocket clients

  // --- statistics ------------------------------------------------------------------------------------------------------
  virtual rt::Task<Result<api::kubeletstats_v1alpha1::Summary>> stats_summary(rt::Context ctx, bool only_cpu_and_memory) = 0;
  // In Prometheus' text form: the kubelet's own, and of cAdvisor, resource and probes.
  virtual std::string metrics() = 0;
  virtual rt::Task<Result<std::string>> cadvisor_metrics(rt::Context ctx) = 0;
  virtual rt::Task<Result<std::string>> resource_metrics(rt::Context ctx) = 0;
  virtual std::string probe_metrics() = 0;

  // --- storage drivers -------------------------------------------------------------------------------------------------
  // A call of the driver's Controller service (csi/remote_controller.h); nullopt: this node serves it to nobody.
  virtual rt::Task<std::optional<Result<std::string>>> csi_controller_call(rt::Context ctx, std::string driver, std::string method,
                                                                           std::string request) = 0;

  // --- the kubelet itself ----------------------------------------------------------------------------------------------
  virtual const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration() const = 0;
  virtual std::string node_name() const = 0;
  // Nothing wrong: empty. Otherwise what /healthz says ("syncloop", ...).
  virtual std::string unhealthy() const = 0;
  // Reads from the node's log folder are served below /logs/; "": they are not.
  virtual std::string log_directory() const = 0;
};

}  // namespace pintle::kubelet::server
