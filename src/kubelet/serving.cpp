#include "kubelet/serving.h"

#include "component/log.h"

namespace pintle::kubelet {

namespace log = component::log;

Serving::Serving(ServingDeps deps) : deps_(std::move(deps)) {}

bool Serving::asks_cluster() const {
  const auto& configuration = deps_.options.configuration;
  return configuration.server_tls_bootstrap && configuration.tls_cert_file.empty() && deps_.client;
}

rt::Task<Result<server::ServingFiles>> Serving::files() {
  const auto& configuration = deps_.options.configuration;
  if (!configuration.tls_cert_file.empty()) co_return server::ServingFiles{configuration.tls_cert_file, configuration.tls_private_key_file};
  if (asks_cluster()) co_return co_await signed_by_cluster();
  co_return co_await signed_by_ourselves();
}

rt::Task<Result<server::ServingFiles>> Serving::signed_by_cluster() {
  certificates::CertificateManagerOptions options{certificates_dir(deps_.options), "kubelet-server", certificates::serving_signer};
  options.authority_pem = deps_.options.serving_authority_pem;
  certificates::CertificateManagerDeps wanted{deps_.runtime, *deps_.client};
  wanted.wanted = [this]() -> std::optional<component::CertificateSpec> {
    const auto known = deps_.node();
    return known ? certificates::serving_certificate_spec(deps_.options.node_name, known->status.addresses) : std::nullopt;
  };
  certificate_ = std::make_unique<certificates::CertificateManager>(std::move(wanted), std::move(options));
  certificate_->start();
  CO_TRY(co_await certificate_->wait_ready(deps_.tasks.context()));
  co_return server::ServingFiles{certificate_->path(), certificate_->path()};
}

rt::Task<Result<server::ServingFiles>> Serving::signed_by_ourselves() {
  const std::string pair = certificates_dir(deps_.options) + "/kubelet";
  component::SelfSignedSetup wanted{.runtime = deps_.runtime, .cert_file = pair + ".crt", .key_file = pair + ".key", .common_name = deps_.hostname};
  wanted.dns_names = {deps_.hostname};
  wanted.ip_addresses = deps_.options.node_ips;
  self_signed_ = std::make_unique<component::SelfSignedCertificate>(std::move(wanted));
  Result<Unit> made;
  co_await deps_.runtime.run_blocking([this, &made] { made = self_signed_->ensure(); });
  CO_TRY(std::move(made));
  self_signed_->start();
  co_return server::ServingFiles{self_signed_->cert_file(), self_signed_->key_file()};
}

// The server waits for its certificate, and nothing else waits for the server.
rt::Task<void> Serving::start_when_certified() {
  auto found = co_await files();
  if (!found) {
    if (!deps_.tasks.context().done()) log::error("The kubelet's server has no certificate", found.error());
    co_return;
  }
  auto started = co_await start_server(std::move(*found));
  if (!started) log::error("The kubelet's server does not run", started.error());
}

rt::Task<Result<Unit>> Serving::start() {
  if (!deps_.options.configuration.enable_server.value_or(true)) co_return Unit{};
  if (asks_cluster()) {
    deps_.tasks.spawn(start_when_certified());
    co_return Unit{};
  }
  CO_TRY_ASSIGN(auto found, co_await files());
  co_return co_await start_server(std::move(found));
}

rt::Task<Result<Unit>> Serving::start_server(server::ServingFiles files) {
  server::KubeletServerDeps deps{deps_.runtime, deps_.host, rt::Executor::current(), deps_.client, files.cert_file, files.key_file};
  server_ = std::make_unique<server::KubeletServer>(std::move(deps));
  co_return co_await server_->start();
}

void Serving::node_changed() {
  if (certificate_) certificate_->poke();
}

rt::Task<void> Serving::stop() {
  if (server_) co_await server_->stop();
  if (certificate_) co_await certificate_->stop();
  if (self_signed_) co_await self_signed_->stop();
}

}  // namespace pintle::kubelet
