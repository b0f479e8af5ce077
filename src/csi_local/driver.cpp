#include "csi_local/driver.h"

#include <algorithm>

#include "api/gen/pluginregistration_v1.h"
#include "api/values.h"
#include "component/log.h"
#include "os/path.h"
#include "rpc/typed_server.h"
#include "rt/file.h"

namespace pintle::csi_local {

namespace {

constexpr std::size_t pools_max = 64;
constexpr std::size_t pool_name_bytes_max = 63;

// "name=VALUE": the name and where the value begins.
Result<std::pair<std::string, std::string>> named(std::string_view flag, std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (equals == std::string_view::npos || name.empty() || name.size() > pool_name_bytes_max || !std::ranges::all_of(name, allowed))
    return bad_request(std::string(flag) + " is NAME=VALUE, the name of a-z, 0-9 and -, not \"" + std::string(text) + "\"");
  return std::pair(std::string(name), std::string(text.substr(equals + 1)));
}

ServiceDeps deps_of(rt::Runtime& runtime, VolumeStore& store, Operations& operations, NodeVolumes& node_volumes, const std::string& node_name) {
  return {runtime, store, operations, node_volumes, node_name};
}

}  // namespace

Result<std::vector<Pool>> parse_pools(std::string_view prefix, const std::vector<std::string>& paths, const std::vector<std::string>& capacities) {
  const std::string path_flag = "--" + std::string(prefix) + "path", capacity_flag = "--" + std::string(prefix) + "capacity";
  std::vector<Pool> out;
  for (const std::string& text : paths) {
    TRY_ASSIGN(const auto pair, named(path_flag, text));
    if (std::ranges::find(out, pair.first, &Pool::name) != out.end()) return bad_request(path_flag + " names " + pair.first + " twice");
    if (!check_path("path", pair.second)) return bad_request(path_flag + " " + pair.first + " is no absolute path: \"" + pair.second + "\"");
    if (std::ranges::find(out, pair.second, &Pool::directory) != out.end())
      return bad_request(path_flag + " has the folder " + pair.second + " twice");
    out.push_back({pair.first, pair.second, 0});
  }
  if (out.empty()) return bad_request(path_flag + " is required: where volumes lie, NAME=DIR");
  if (out.size() > pools_max) return bad_request(path_flag + " is given more than " + std::to_string(pools_max) + " times");
  for (const std::string& text : capacities) {
    TRY_ASSIGN(const auto pair, named(capacity_flag, text));
    const auto pool = std::ranges::find(out, pair.first, &Pool::name);
    if (pool == out.end()) return bad_request(capacity_flag + " is of no " + path_flag + ": " + pair.first);
    const auto quantity = api::Quantity::parse(pair.second);
    if (!quantity || quantity->value() <= 0) return bad_request(capacity_flag + " " + pair.first + " is no size: \"" + pair.second + "\"");
    pool->capacity_bytes = quantity->value();
  }
  return out;
}

// What the kubelet asks a plugin on its registration socket.
class Registration {
 public:
  using InfoRequest = api::pluginregistration_v1::InfoRequest;
  using PluginInfo = api::pluginregistration_v1::PluginInfo;
  using RegistrationStatus = api::pluginregistration_v1::RegistrationStatus;
  using RegistrationStatusResponse = api::pluginregistration_v1::RegistrationStatusResponse;

  Registration(rt::Runtime& runtime, std::string endpoint) : endpoint_(std::move(endpoint)), server_(runtime) {
    rpc::on_unary(server_, "/pluginregistration.Registration/GetInfo", *this, &Registration::get_info);
    rpc::on_unary(server_, "/pluginregistration.Registration/NotifyRegistrationStatus", *this, &Registration::notify);
  }
  Result<Unit> start(const std::string& socket) { return server_.start(socket); }
  rt::Task<void> stop() { co_await server_.stop(); }

 private:
  rt::Task<Result<PluginInfo>> get_info(rt::Context, InfoRequest) {
    PluginInfo out;
    out.type = "CSIPlugin";
    out.name = driver_name;
    out.endpoint = endpoint_;
    out.supported_versions.emplace_back("1.0.0");
    co_return std::move(out);
  }
  rt::Task<Result<RegistrationStatusResponse>> notify(rt::Context, RegistrationStatus status) {
    if (status.plugin_registered) {
      component::log::info(1, "The kubelet has the driver of local volumes", {{"driver", driver_name}});
    } else {
      component::log::warning("The kubelet does not take the driver of local volumes", {{"driver", driver_name}, {"why", status.error}});
    }
    co_return RegistrationStatusResponse{};
  }

  const std::string endpoint_;
  net::grpc::Server server_;
};

LocalDriver::LocalDriver(rt::Runtime& runtime, LocalDriverOptions options)
    : runtime_(runtime),
      options_(std::move(options)),
      store_(runtime, options_.pools),
      node_volumes_(runtime, store_),
      controller_(deps_of(runtime, store_, operations_, node_volumes_, options_.node_name)),
      node_(deps_of(runtime, store_, operations_, node_volumes_, options_.node_name)),
      server_(runtime) {
  controller_.serve_at(server_);
  node_.serve_at(server_);
}

LocalDriver::~LocalDriver() = default;

rt::Task<Result<Unit>> LocalDriver::start() {
  CO_TRY(co_await store_.open());
  CO_TRY(co_await node_volumes_.recover());
  Result<Unit> made;
  co_await runtime_.run_blocking([&] {
    made = os::make_directories(rt::parent_path(options_.endpoint), 0750);
    if (made && !options_.registration.empty()) made = os::make_directories(rt::parent_path(options_.registration), 0750);
  });
  CO_TRY(std::move(made));
  CO_TRY(server_.start(options_.endpoint));
  if (options_.registration.empty()) co_return Unit{};
  registration_ = std::make_unique<Registration>(runtime_, options_.endpoint);
  co_return registration_->start(options_.registration);
}

rt::Task<void> LocalDriver::stop() {
  if (registration_) co_await registration_->stop();
  co_await server_.stop();
}

}  // namespace pintle::csi_local
