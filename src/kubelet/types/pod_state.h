// What the runtime has of one pod: plain data, made by observe.h, read by plan, status and the worker.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rt/clock.h"

namespace pintle::kubelet {

struct SandboxState {
  std::string id;
  uint32_t attempt = 0;
  bool ready = false;
  rt::WallTime created_at{};
  bool host_network = false;
  std::vector<std::string> ips;  // none on the host's network
  std::string runtime_handler;
};

enum class ContainerPhase : uint8_t { Created, Running, Exited, Unknown };

struct ProcessUser {
  int64_t uid = 0;
  int64_t gid = 0;
  std::vector<int64_t> supplemental_groups;
};

struct RuntimeContainer {
  std::string id;
  std::string sandbox_id;
  std::string name;
  uint32_t attempt = 0;  // = restart count
  ContainerPhase phase = ContainerPhase::Unknown;
  rt::WallTime created_at{};
  rt::WallTime started_at{};
  rt::WallTime finished_at{};
  int32_t exit_code = 0;
  std::string reason;    // "OOMKilled", "Error", "Completed", "StartError" ...
  std::string message;   // the runtime's, or the termination message
  std::string image;     // as asked for
  std::string image_id;  // digest or id
  std::string hash;      // annotation io.kubernetes.container.hash
  std::string log_path;
  std::string termination_log;  // host path
  std::string termination_policy;
  std::vector<std::string> recursive_read_only;  // paths in the container whose mounts the runtime made so
  std::optional<ProcessUser> user;               // of its first process; nullopt: the runtime does not say
  std::optional<int64_t> deletion_grace_seconds;
};

struct PodState {
  std::string uid;
  std::string name;
  std::string namespace_name;
  std::string runtime_name;                  // "containerd": the scheme of container ids in statuses
  std::vector<SandboxState> sandboxes;       // newest first
  std::vector<RuntimeContainer> containers;  // newest first

  const SandboxState* sandbox() const { return sandboxes.empty() ? nullptr : &sandboxes.front(); }
  // The newest container of the name, in whichever sandbox.
  const RuntimeContainer* latest(std::string_view name) const;
  // The newest container of the name in the newest sandbox.
  const RuntimeContainer* active(std::string_view name) const;
  // The addresses of the sandbox that the container is in.
  std::vector<std::string> ips_of(const RuntimeContainer& container) const;
  // The one before the newest, if it has ended.
  const RuntimeContainer* previous(std::string_view name) const;
  bool any_running() const;
};

}  // namespace pintle::kubelet
