#include "cmd/server/node.h"

#include "component/log.h"

namespace pintle::cmd {

namespace log = component::log;

Node::Node(rt::Runtime& runtime, const cli::ClusterConfig& config, cli::Layout layout, std::string name, std::string ip)
    : runtime_(runtime), config_(config), layout_(std::move(layout)), name_(std::move(name)), ip_(std::move(ip)) {}

Node::~Node() = default;

void Node::start_runtime() {
  if (!config_.node.runtime_endpoint.empty()) {
    containerd_result_ = Unit{};
    containerd_done_.set();
    return;
  }
  cli::ContainerdSettings settings = cli::detect_containerd_settings(layout_);
  settings.pause_image = config_.node.pause_image;
  settings.cni_bin_dirs = config_.node.cni_bin_dirs;
  settings.registry_config_dir = config_.node.registry_config_dir;
  containerd_ = std::make_unique<cli::Containerd>(runtime_, layout_, std::move(settings));
  tasks_.spawn(run_containerd());
}

rt::Task<void> Node::run_containerd() {
  containerd_result_ = co_await containerd_->start();
  containerd_done_.set();
}

rt::Task<Result<Unit>> Node::start(ControlPlane& control_plane) {
  client::Client& client = control_plane.client_for("system:node:" + name_);
  co_return co_await start_components(client);
}

rt::Task<Result<Unit>> Node::join() { co_return error(Reason::InternalError, "joining"); }

rt::Task<Result<Unit>> Node::start_components(client::Client&) {
  CO_TRY(co_await containerd_done_.wait(rt::Context::background()));
  if (!*containerd_result_) co_return std::unexpected(containerd_result_->error());
  co_return Unit{};
}

rt::Task<void> Node::stop() {
  if (own_client_) co_await own_client_->close();
  co_await tasks_.join();
  if (containerd_) co_await containerd_->stop();
}

}  // namespace pintle::cmd
