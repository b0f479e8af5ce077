// For tests: what pods' workers stand on, over a container runtime that a test plays (or that nobody does).
#pragma once

#include <gtest/gtest.h>

#include "kubelet/pods/pod_workers.h"
#include "kubelet/probes/probe_workers.h"

namespace pintle::kubelet::testing {

constexpr auto* runtime_path = "/run/fake.sock";

inline std::unique_ptr<cri::RuntimeClient> client_of_fake(rt::Runtime& runtime) {
  cri::RuntimeClientOptions options;
  options.endpoint = runtime_path;
  return std::move(*cri::RuntimeClient::make(runtime, options));
}

struct PodParts {
  explicit PodParts(rt::Runtime& runtime_in) : runtime(runtime_in) {}
  rt::Task<void> close() {
    co_await statuses.stop();
    co_await probes->close();
    co_await volumes->stop();
    co_await hooks.close();
    co_await cri->close();
  }
  pods::PodWorkerDeps deps() {
    pods::PodWorkerDeps out{runtime, *cri, pods, images, *volumes, *probes, statuses, events};
    out.node_ips = [] { return std::vector<std::string>{"192.0.2.1"}; };
    return out;
  }

  rt::Runtime& runtime;
  const Paths paths{::testing::TempDir() + "pintle-pods-of-nobody", "/pod-logs"};
  std::unique_ptr<cri::RuntimeClient> cri = client_of_fake(runtime);
  PodEvents events{nullptr};
  std::unique_ptr<volumes::VolumeManager> volumes = volumes::make_volume_manager(volumes::VolumeManagerDeps{runtime, nullptr, nullptr, paths});
  container_config::Configurator configurator{container_config::ConfiguratorDeps{runtime, *volumes}};
  images::ImagePuller images{images::ImagePullerDeps{runtime, *cri, events}};
  hooks::LifecycleHooks hooks{runtime, *cri};
  runtime::PodRuntime pods{runtime::PodRuntimeDeps{runtime, *cri, configurator, images, hooks, events, paths}};
  std::unique_ptr<probes::ProbeManager> probes = probes::make_probe_manager(probes::ProbeDeps{runtime});
  sources::PodConfig config;
  status::StatusManager statuses{runtime, nullptr, config};
};

}  // namespace pintle::kubelet::testing
