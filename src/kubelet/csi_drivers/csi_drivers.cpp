#include "kubelet/csi_drivers/csi_drivers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "component/log.h"

namespace pintle::kubelet::csi_drivers {

namespace {

namespace log = component::log;

}  // namespace

CsiDrivers::CsiDrivers(CsiDriversDeps deps) : deps_(std::move(deps)) {
  if (deps_.client) publisher_ = std::make_unique<NodePublisher>(NodePublisherDeps{deps_.runtime, *deps_.client, deps_.node_name});
}

CsiDrivers::~CsiDrivers() = default;

void CsiDrivers::start() {
  if (publisher_) publisher_->start();
}

rt::Task<void> CsiDrivers::stop() {
  stopped_ = true;
  for (const auto& [name, ctx] : asking_) ctx.cancel();
  if (publisher_) co_await publisher_->stop();
  const auto all = std::exchange(drivers_, {});
  for (const auto& [name, registered] : all) co_await registered.driver->close();
  const auto last = retiring_;
  for (const auto& driver : last) co_await driver->close();
  co_await tasks_.close();
}

std::shared_ptr<csi::Driver> CsiDrivers::find(std::string_view name) const {
  const auto it = drivers_.find(name);
  return it == drivers_.end() ? nullptr : it->second.driver;
}

void CsiDrivers::node_known(const std::string& uid) {
  if (publisher_) publisher_->node_known(uid);
}

// As upstream judges: a second driver of one name must be of a higher version than the first.
Result<Version> CsiDrivers::judge(const plugins::Plugin& plugin) const {
  TRY(check_driver_name(plugin.name));
  TRY_ASSIGN(Version version, highest_version(plugin.versions));
  const auto known = drivers_.find(plugin.name);
  if (known != drivers_.end() && known->second.socket != plugin.socket && !(known->second.version < version))
    return error(Reason::AlreadyExists, fmt::format("Another driver with the same name is already registered with a higher supported version: \"{}\"",
                                                    fmt::join(known->second.version, ".")));
  return version;
}

Result<Unit> CsiDrivers::validate(const plugins::Plugin& plugin) {
  const auto version = judge(plugin);
  if (version) return Unit{};
  return error(version.error().reason,
               "validation failed for CSI Driver " + plugin.name + " at endpoint " + plugin.endpoint + ": " + version.error().message);
}

rt::Task<Result<DriverOnNode>> CsiDrivers::ask(rt::Context ctx, std::shared_ptr<csi::Driver> driver) {
  CO_TRY_ASSIGN(auto info, co_await driver->node_info(ctx));
  CO_TRY_ASSIGN(DriverOnNode on_node, driver_on_node(driver->name(), std::move(info)));
  if (on_node.volumes_max < 0) log::warning("A CSI driver's limit of volumes is below zero: none counts", {{"driver", driver->name()}});
  co_return std::move(on_node);
}

rt::Task<Result<Unit>> CsiDrivers::introduce(rt::Context ctx, std::shared_ptr<csi::Driver> driver) {
  CO_TRY_ASSIGN(DriverOnNode on_node, co_await ask(ctx, driver));
  if (!publisher_) co_return Unit{};
  co_return co_await publisher_->publish(ctx, std::move(on_node));
}

rt::Task<Result<Unit>> CsiDrivers::add(rt::Context ctx, plugins::Plugin plugin) {
  CO_TRY_ASSIGN(Version version, judge(plugin));
  csi::DriverOptions options;
  options.name = plugin.name;
  options.endpoint = plugin.endpoint;
  options.timeout = deps_.call_timeout;
  CO_TRY_ASSIGN(auto driver, csi::Driver::make(deps_.runtime, std::move(options)));
  auto introduced = co_await introduce(ctx, driver);
  if (introduced) {
    // Another one may have taken the name meanwhile.
    if (auto still = judge(plugin); !still) introduced = Unexpected(std::move(still).error());
  }
  if (!introduced) {
    co_await driver->close();
    co_return Unexpected(std::move(introduced).error());
  }
  Registered& place = drivers_[plugin.name];
  if (place.driver) retire(std::move(place.driver));
  place.driver = std::move(driver);
  place.version = std::move(version);
  place.socket = plugin.socket;
  retime(plugin.name);
  if (deps_.changed) deps_.changed(plugin.name);
  co_return Unit{};
}

rt::Task<void> CsiDrivers::remove(rt::Context, plugins::Plugin plugin) {
  const auto known = drivers_.find(plugin.name);
  // Another one may have its name by now.
  if (known == drivers_.end() || known->second.socket != plugin.socket) co_return;
  retire(std::move(known->second.driver));
  drivers_.erase(known);
  retime(plugin.name);
  if (publisher_) publisher_->withdraw(plugin.name);
  if (deps_.changed) deps_.changed(plugin.name);
}

void CsiDrivers::ask_every(const std::string& name, rt::Duration period) {
  const auto known = periods_.find(name);
  if (period == (known == periods_.end() ? rt::Duration(0) : known->second)) return;
  if (period > rt::Duration(0)) {
    periods_[name] = period;
  } else {
    periods_.erase(name);
  }
  retime(name);
}

void CsiDrivers::retime(const std::string& name) {
  if (const auto running = asking_.find(name); running != asking_.end()) {
    running->second.cancel();
    asking_.erase(running);
  }
  const auto period = periods_.find(name);
  if (stopped_ || period == periods_.end() || !drivers_.contains(name)) return;
  const rt::Context ctx = tasks_.context().child();
  asking_.insert_or_assign(name, ctx);
  tasks_.spawn(keep_asking(ctx, name, period->second));
}

rt::Task<Result<Unit>> CsiDrivers::refresh(rt::Context ctx, std::string name) {
  const auto driver = find(name);
  if (!driver) co_return error(Reason::NotFound, "driver name " + name + " not found in the list of registered CSI drivers");
  CO_TRY_ASSIGN(DriverOnNode on_node, co_await ask(ctx, driver));
  if (find(name) != driver) co_return error(Reason::Conflict, "the driver has gone meanwhile");
  if (!publisher_) co_return Unit{};
  co_return co_await publisher_->publish(ctx, std::move(on_node));
}

rt::Task<void> CsiDrivers::keep_asking(rt::Context ctx, std::string name, rt::Duration period) {
  while (true) {
    const auto slept = co_await rt::sleep_for(ctx, period);
    if (!slept) co_return;
    const auto asked = co_await refresh(ctx, name);
    if (!asked && !ctx.done()) log::error("A CSI driver does not tell how many volumes it takes", asked.error(), {{"driver", name}});
  }
}

// Its calls have their time: an answer that is cut off leaves a volume in doubt.
void CsiDrivers::retire(std::shared_ptr<csi::Driver> driver) {
  retiring_.push_back(driver);
  tasks_.spawn(drain(std::move(driver)));
}

rt::Task<void> CsiDrivers::drain(std::shared_ptr<csi::Driver> driver) {
  co_await driver->drain();
  std::erase(retiring_, driver);
}

}  // namespace pintle::kubelet::csi_drivers
