#include "kubelet/dynamic_resources/driver_plugins.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/json_text.h"
#include "component/log.h"
#include "net/grpc/code.h"
#include "rt/backoff.h"

namespace pintle::kubelet::dynamic_resources {

namespace {

namespace log = component::log;

constexpr std::string_view services[] = {"v1.DRAPlugin", "v1beta1.DRAPlugin"};

// As Go prints a list of quoted texts.
template <class List>
std::string quoted(const List& list) {
  std::string out = "[";
  for (const auto& one : list) {
    if (out.size() > 1) out += ' ';
    out += codec::go_quote(one);
  }
  return out + "]";
}

// The first that the plugin names and the kubelet knows.
Result<std::string> choose_service(const plugins::Plugin& plugin) {
  const std::string of = "invalid supported gRPC versions of DRA driver plugin " + plugin.name + " at endpoint " + plugin.endpoint + ": ";
  if (plugin.versions.empty()) return error(Reason::Invalid, of + "empty list of supported gRPC services (aka supported versions)");
  const auto found = std::ranges::find_if(plugin.versions, [](const auto& one) { return std::ranges::find(services, one) != std::end(services); });
  if (found != plugin.versions.end()) return *found;
  return error(Reason::Invalid, fmt::format("{}none of services supported by the plugin ({}) are supported by the kubelet ({})", of,
                                            quoted(plugin.versions), quoted(services)));
}

}  // namespace

DriverPlugins::DriverPlugins(DriverPluginsDeps deps) : deps_(std::move(deps)), wiper_(deps_.runtime, deps_.client, deps_.node_name) {}

rt::Task<void> DriverPlugins::stop() {
  co_await wiper_.stop();
  const auto all = std::exchange(drivers_, {});
  for (const auto& [driver, list] : all)
    for (const PluginPtr& plugin : list) co_await plugin->close();
  co_await tasks_.close();
}

Result<std::shared_ptr<DriverPlugin>> DriverPlugins::find(std::string_view driver) const {
  if (driver.empty()) return error(Reason::NotFound, "DRA driver name is empty");
  const auto found = drivers_.find(driver);
  if (found == drivers_.end()) return error(Reason::NotFound, fmt::format("DRA driver {} is not registered", driver));
  const auto reached = std::ranges::find_if(found->second.rbegin(), found->second.rend(), [](const auto& plugin) { return plugin->connected; });
  return reached == found->second.rend() ? found->second.back() : *reached;
}

Result<Unit> DriverPlugins::validate(const plugins::Plugin& plugin) {
  TRY(choose_service(plugin));
  return Unit{};
}

rt::Task<Result<Unit>> DriverPlugins::add(rt::Context ctx, plugins::Plugin plugin) {
  DriverPluginOptions options;
  CO_TRY_ASSIGN(options.service, choose_service(plugin));
  if (plugin.name.empty()) co_return error(Reason::Invalid, "DRA driver name is empty");
  const auto known = drivers_.find(plugin.name);
  if (known != drivers_.end()) {
    for (const PluginPtr& one : known->second)
      if (one->endpoint() == plugin.endpoint)
        co_return error(Reason::AlreadyExists, "endpoint " + plugin.endpoint + " already registered for DRA driver plugin " + plugin.name);
  }
  if (ctx.done() || tasks_.context().done()) co_return error(Reason::Cancelled, "the kubelet stops");
  options.driver = plugin.name;
  options.endpoint = plugin.endpoint;
  options.timing = deps_.timing;
  CO_TRY_ASSIGN(auto made, DriverPlugin::make(deps_.runtime, deps_.metrics, std::move(options)));
  drivers_[plugin.name].push_back(made);
  log::info(0, "Registered a plugin of a DRA driver", {{"driver", plugin.name}, {"endpoint", plugin.endpoint}});
  tasks_.spawn(follow(std::move(made)));
  sync(plugin.name);
  if (deps_.usable) deps_.usable();
  co_return Unit{};
}

rt::Task<void> DriverPlugins::remove(rt::Context, plugins::Plugin plugin) {
  const auto known = drivers_.find(plugin.name);
  if (known == drivers_.end()) co_return;
  auto& list = known->second;
  const auto found = std::ranges::find_if(list, [&](const auto& one) { return one->endpoint() == plugin.endpoint; });
  if (found == list.end()) co_return;
  const PluginPtr gone = *found;
  list.erase(found);
  if (list.empty()) drivers_.erase(known);
  log::info(0, "A plugin of a DRA driver is gone", {{"driver", plugin.name}, {"endpoint", plugin.endpoint}});
  sync(plugin.name);
  co_await gone->close();
}

// A driver without a plugin that can be reached loses its slices after a while.
void DriverPlugins::sync(const std::string& driver) {
  const auto known = drivers_.find(driver);
  const bool reached = known != drivers_.end() && std::ranges::any_of(known->second, [](const auto& plugin) { return plugin->connected; });
  if (reached) {
    wiper_.keep(driver);
  } else if (!tasks_.context().done()) {
    wiper_.wipe_later(driver, deps_.timing.wiping_delay);
  }
}

// A connection is kept for as long as it lives, so that an end is noticed that nobody told of.
rt::Task<void> DriverPlugins::follow(PluginPtr plugin) {
  const rt::Context ctx = plugin->life();
  rt::Backoff backoff({.initial = deps_.timing.dial_again_first, .max = deps_.timing.dial_again_max});
  while (!ctx.done()) {
    const auto connected = co_await plugin->connect(ctx);
    if (connected) {
      backoff.reset();
      plugin->connected = true;
      sync(plugin->driver());
      if (deps_.usable) deps_.usable();
      rt::TaskGroup watching;
      if (deps_.health) watching.spawn(watch_health(watching.context(), plugin));
      (void)co_await plugin->disconnected(ctx);
      co_await watching.close();
      if (ctx.done()) break;
      log::info(1, "A plugin of a DRA driver cannot be reached", {{"driver", plugin->driver()}, {"endpoint", plugin->endpoint()}});
      plugin->connected = false;
      sync(plugin->driver());
    }
    (void)co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random()));
  }
}

// Not every driver knows the question: who does not is not asked again by this connection.
rt::Task<void> DriverPlugins::watch_health(rt::Context ctx, PluginPtr plugin) {
  while (!ctx.done()) {
    const auto ended = co_await take_reports(ctx, plugin);
    if (deps_.health_lost) deps_.health_lost(plugin->driver());
    if (ctx.done()) co_return;
    log::info(2, "A DRA driver tells no health", {{"driver", plugin->driver()}, {"err", ended ? "" : ended.error().message}});
    if (!ended && net::grpc::code_of(ended.error()) == net::grpc::Code::Unimplemented) co_return;
    (void)co_await rt::sleep_for(ctx, deps_.timing.watch_again);
  }
}

rt::Task<Result<Unit>> DriverPlugins::take_reports(rt::Context ctx, PluginPtr plugin) {
  CO_TRY_ASSIGN(auto reports, co_await plugin->watch_health(ctx));
  while (true) {
    CO_TRY_ASSIGN(auto report, co_await reports.next(ctx));
    if (!report) co_return Unit{};
    CO_TRY(deps_.health(plugin->driver(), std::move(*report)));
    CO_TRY(co_await rt::sleep_for(ctx, deps_.timing.health_pause));
  }
}

}  // namespace pintle::kubelet::dynamic_resources
