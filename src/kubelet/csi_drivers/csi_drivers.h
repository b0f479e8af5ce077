// CsiDrivers: the CSI drivers that are registered on this node, by name. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "csi/driver.h"
#include "kubelet/csi_drivers/node_publisher.h"
#include "kubelet/plugins/handler.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::csi_drivers {

struct CsiDriversDeps {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // nullptr: no API server, and nothing is published
  std::string node_name;
  // A driver has come, or is gone. May be empty.
  std::function<void(const std::string& name)> changed;
  rt::Duration call_timeout = csi::call_timeout_default;
};

class CsiDrivers final : public plugins::PluginHandler {
 public:
  explicit CsiDrivers(CsiDriversDeps deps);
  ~CsiDrivers() override;

  void start();
  rt::Task<void> stop();

  // nullptr: none is registered by that name. To be asked anew for each step of a volume: a driver that comes back is another.
  std::shared_ptr<csi::Driver> find(std::string_view name) const;
  // The Node is known; "" is not.
  void node_known(const std::string& uid);
  // The driver is asked each `period` how many volumes it takes (its CSIDriver's nodeAllocatableUpdatePeriodSeconds), while it is registered.
  // Zero: never.
  void ask_every(const std::string& name, rt::Duration period);
  // Asks it now; NotFound if it is not registered.
  rt::Task<Result<Unit>> refresh(rt::Context ctx, std::string name);

  Result<Unit> validate(const plugins::Plugin& plugin) override;
  rt::Task<Result<Unit>> add(rt::Context ctx, plugins::Plugin plugin) override;
  rt::Task<void> remove(rt::Context ctx, plugins::Plugin plugin) override;

 private:
  struct Registered {
    std::shared_ptr<csi::Driver> driver;
    Version version;
    std::string socket;  // of its registration
  };
  Result<Version> judge(const plugins::Plugin& plugin) const;
  rt::Task<Result<DriverOnNode>> ask(rt::Context ctx, std::shared_ptr<csi::Driver> driver);
  rt::Task<Result<Unit>> introduce(rt::Context ctx, std::shared_ptr<csi::Driver> driver);
  // Begins the asking anew, as what is known says.
  void retime(const std::string& name);
  rt::Task<void> keep_asking(rt::Context ctx, std::string name, rt::Duration period);
  void retire(std::shared_ptr<csi::Driver> driver);
  rt::Task<void> drain(std::shared_ptr<csi::Driver> driver);

  CsiDriversDeps deps_;
  std::unique_ptr<NodePublisher> publisher_;  // nullptr: no API server
  std::map<std::string, Registered, std::less<>> drivers_;
  std::vector<std::shared_ptr<csi::Driver>> retiring_;  // whose last calls are under way
  std::map<std::string, rt::Duration> periods_;         // by driver, registered or not
  std::map<std::string, rt::Context> asking_;
  bool stopped_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::csi_drivers
