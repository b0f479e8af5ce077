// PluginHandler: what plugins of one type are registered with (CSIPlugin, DRAPlugin, DevicePlugin).
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::kubelet::plugins {

inline constexpr const char* csi_plugin_type = "CSIPlugin";
inline constexpr const char* device_plugin_type = "DevicePlugin";
inline constexpr const char* dra_plugin_type = "DRAPlugin";

// What a plugin says of itself. None of it is to be trusted.
struct Plugin {
  std::string name;
  std::string endpoint;               // the path of the socket that it serves on; its registration socket's if it names none
  std::vector<std::string> versions;  // of the service that it offers
  std::string socket;                 // the path of its registration socket: which of several that bear one name it is
};

// On the kubelet's executor. Several plugins, also of one name, may be added at a time.
class PluginHandler {
 public:
  virtual ~PluginHandler() = default;
  // Whether it can be registered; the error's message is told to the plugin.
  virtual Result<Unit> validate(const Plugin& plugin) = 0;
  // Registers it. `ctx` ends when its socket goes; then, and on an error, nothing of it is left.
  virtual rt::Task<Result<Unit>> add(rt::Context ctx, Plugin plugin) = 0;
  // After an add() that succeeded: its socket is gone.
  virtual rt::Task<void> remove(rt::Context ctx, Plugin plugin) = 0;
};

}  // namespace pintle::kubelet::plugins
