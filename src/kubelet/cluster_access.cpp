#include "kubelet/cluster_access.h"

#include "api/gen/node_v1.h"
#include "kubelet/node/node_agent.h"

namespace pintle::kubelet {

using api::core_v1::Service;

ClusterAccess::ClusterAccess(client::Client* client_in, std::string node_name_in)
    : client(client_in),
      node_name(std::move(node_name_in)),
      recorder(client ? std::make_unique<client::EventRecorder>(*client, client::EventSource{"kubelet", node_name}) : nullptr),
      events(recorder.get()),
      informers(client ? std::make_unique<client::Informers>(*client) : nullptr),
      objects(client ? referenced_objects::make_referenced_objects(*client) : nullptr) {
  if (informers) services_ = informers->of<Service>();
}

void ClusterAccess::renew_certificate(rt::Runtime& runtime, std::string certificates_dir) {
  if (!client) return;
  certificates::CertificateManagerOptions options{std::move(certificates_dir), "kubelet-client", certificates::client_signer};
  certificates::CertificateManagerDeps wanted{runtime, *client};
  wanted.wanted = [this]() -> std::optional<component::CertificateSpec> { return certificates::client_certificate_spec(node_name); };
  certificate_ = std::make_unique<certificates::CertificateManager>(std::move(wanted), std::move(options));
  certificate_->start();
}

void ClusterAccess::tell_of_node(std::string_view reason, std::string message) {
  if (recorder) recorder->normal(node::node_reference(node_name), reason, std::move(message));
}

void ClusterAccess::warn_of_node(std::string_view reason, std::string message) {
  if (recorder) recorder->warning(node::node_reference(node_name), reason, std::move(message));
}

std::optional<std::vector<std::shared_ptr<const Service>>> ClusterAccess::services() const {
  if (!services_) return std::vector<std::shared_ptr<const Service>>();
  if (!services_->synced()) return std::nullopt;
  return services_->list();
}

rt::Task<Result<std::string>> ClusterAccess::runtime_handler(rt::Context ctx, std::string runtime_class) {
  if (runtime_class.empty() || !client) co_return std::string();
  auto found = co_await client->get<api::node_v1::RuntimeClass>(ctx, std::string(), runtime_class);
  if (!found) co_return error(found.error().reason, "failed to get RuntimeClass " + runtime_class + ": " + found.error().message);
  co_return std::move(found->handler);
}

rt::Task<void> ClusterAccess::stop() {
  if (certificate_) co_await certificate_->stop();
  if (objects) co_await objects->stop();
  if (informers) co_await informers->stop();
  if (recorder) co_await recorder->stop();
}

}  // namespace pintle::kubelet
