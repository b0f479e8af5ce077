#include "cmd/server/local_storage.h"

#include "csi/remote_controller.h"
#include "csi_local/requests.h"
#include "net/grpc/code.h"

namespace pintle::cmd {

namespace {

using api::csi_v1::ControllerExpandVolumeRequest;
using api::csi_v1::ControllerExpandVolumeResponse;
using api::csi_v1::CreateVolumeRequest;
using api::csi_v1::CreateVolumeResponse;
using api::csi_v1::DeleteVolumeRequest;
using api::csi_v1::GetCapacityRequest;
using api::csi_v1::GetCapacityResponse;

// The driver of another node. Where its kubelet listens is looked up for each call.
class DriverOfNode final : public csi::Controller {
 public:
  DriverOfNode(client::Client& client, net::Transport& transport, const std::vector<std::string>& address_types, std::string node)
      : client_(client), transport_(transport), address_types_(address_types), node_(std::move(node)) {}

  Answer<CreateVolumeResponse> create(rt::Context ctx, CreateVolumeRequest request) override {
    return call(std::move(ctx), std::move(request), &Controller::create);
  }
  Answer<Unit> remove(rt::Context ctx, DeleteVolumeRequest request) override { return call(std::move(ctx), std::move(request), &Controller::remove); }
  Answer<ControllerExpandVolumeResponse> controller_expand(rt::Context ctx, ControllerExpandVolumeRequest request) override {
    return call(std::move(ctx), std::move(request), &Controller::controller_expand);
  }
  Answer<GetCapacityResponse> capacity(rt::Context ctx, GetCapacityRequest request) override {
    return call(std::move(ctx), std::move(request), &Controller::capacity);
  }

 private:
  template <class Request, class Response>
  Answer<Response> call(rt::Context ctx, Request request, Answer<Response> (Controller::*method)(rt::Context, Request)) {
    CO_TRY_ASSIGN(const std::string origin, co_await find(ctx));
    csi::RemoteController driver(transport_, origin + "/csi/" + std::string(csi_local::driver_name));
    co_return co_await (driver.*method)(std::move(ctx), std::move(request));
  }
  rt::Task<Result<std::string>> find(rt::Context ctx) {
    const auto node = co_await client_.get<api::core_v1::Node>(std::move(ctx), std::string(), node_);
    auto address = node ? apiserver::connect::kubelet_address(*node, address_types_) : Unexpected(node.error());
    if (!address)
      co_return Unexpected(net::grpc::to_status(net::grpc::Code::Unavailable, "node " + node_ + " has no address: " + address.error().message));
    co_return address->origin();
  }

  client::Client& client_;
  net::Transport& transport_;
  const std::vector<std::string>& address_types_;
  const std::string node_;
};

}  // namespace

std::string local_storage_endpoint(const std::string& kubelet_root_dir) { return kubelet_root_dir + "/plugins/local.sock"; }

Result<std::unique_ptr<LocalStorage>> LocalStorage::make(LocalStorageSetup setup) {
  auto out = std::unique_ptr<LocalStorage>(new LocalStorage(setup.client, setup.api_server.kubelet_preferred_address_types));
  TRY_ASSIGN(out->kubelets_, apiserver::connect::KubeletClient::make(setup.runtime, setup.api_server));
  if (!setup.own_node.empty()) {
    csi::DriverOptions own;
    own.name = csi_local::driver_name;
    own.endpoint = setup.own_endpoint;
    TRY_ASSIGN(out->own_driver_, csi::Driver::make(setup.runtime, std::move(own)));
  }
  csi_provisioner::ProvisionerDeps deps{setup.runtime, setup.client, {}};
  deps.driver_of = [storage = out.get(), own = setup.own_node](const std::string& node) -> std::shared_ptr<csi::Controller> {
    if (node == own) return storage->own_driver_;
    return std::make_shared<DriverOfNode>(storage->client_, storage->kubelets_->transport(), storage->address_types_, node);
  };
  out->provisioner_ =
      std::make_unique<csi_provisioner::Provisioner>(std::move(deps), std::string(csi_local::driver_name), std::string(csi_local::topology_key));
  return out;
}

void LocalStorage::start() { provisioner_->start(); }

rt::Task<void> LocalStorage::stop() {
  co_await provisioner_->stop();
  if (own_driver_) co_await own_driver_->close();
  co_await kubelets_->close();
}

}  // namespace pintle::cmd
