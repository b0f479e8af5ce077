// DriverPlugins: the plugins of drivers that are registered on this node, by driver: how they come and go, whether they can be reached, what they
// tell of their devices' health, and what becomes of a driver's slices while it has none. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/dynamic_resources/driver_plugin.h"
#include "kubelet/dynamic_resources/slice_wiper.h"
#include "kubelet/plugins/handler.h"
#include "rt/sync.h"

namespace pintle::kubelet::dynamic_resources {

struct DriverPluginsDeps {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // nullptr: no API server
  std::string node_name;
  Metrics& metrics;
  // A driver can be asked that could not. May be empty, each.
  std::function<void()> usable;
  // A plugin tells how all devices of its driver are; the error ends the stream. Empty: health is not asked for.
  std::function<Result<Unit>(const std::string& driver, api::drahealth_v1alpha1::NodeWatchResourcesResponse report)> health;
  // What a driver told does not count any more.
  std::function<void(const std::string& driver)> health_lost;
  DriverTiming timing;
};

class DriverPlugins final : public plugins::PluginHandler {
 public:
  explicit DriverPlugins(DriverPluginsDeps deps);

  void start() { wiper_.start(); }
  rt::Task<void> stop();
  void node_known() { wiper_.node_known(); }

  // Of several of one driver, that came last among those that can be reached, else that came last. NotFound, in upstream's words.
  Result<std::shared_ptr<DriverPlugin>> find(std::string_view driver) const;

  Result<Unit> validate(const plugins::Plugin& plugin) override;
  rt::Task<Result<Unit>> add(rt::Context ctx, plugins::Plugin plugin) override;
  rt::Task<void> remove(rt::Context ctx, plugins::Plugin plugin) override;

 private:
  using PluginPtr = std::shared_ptr<DriverPlugin>;

  rt::Task<void> follow(PluginPtr plugin);
  rt::Task<void> watch_health(rt::Context ctx, PluginPtr plugin);
  rt::Task<Result<Unit>> take_reports(rt::Context ctx, PluginPtr plugin);
  void sync(const std::string& driver);

  DriverPluginsDeps deps_;
  SliceWiper wiper_;
  std::map<std::string, std::vector<PluginPtr>, std::less<>> drivers_;  // in the order in which they came
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::dynamic_resources
