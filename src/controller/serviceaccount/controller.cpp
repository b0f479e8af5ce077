#include "controller/serviceaccount/controller.h"

#include "client/work_queue.h"
#include "controller/pods/pod_control.h"

namespace pintle::controller::serviceaccount {

using api::core_v1::Namespace;
using api::core_v1::ServiceAccount;

namespace {

constexpr std::string_view account_name = "default";

class ServiceAccountController final : public Controller {
 public:
  explicit ServiceAccountController(ControllerDeps deps)
      : deps_(deps),
        namespaces_(deps.informers.of<Namespace>()),
        accounts_(deps.informers.of<ServiceAccount>()),
        loop_(deps.loop("serviceaccount"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Namespace>::Handler handler;
    handler.on_add = [this](const std::shared_ptr<const Namespace>& ns, bool) { loop_.queue().add(ns->metadata.name); };
    handler.on_update = [this](const auto&, const std::shared_ptr<const Namespace>& ns) { loop_.queue().add(ns->metadata.name); };
    namespaces_.add_handler(std::move(handler));
    client::Informer<ServiceAccount>::Handler accounts;
    accounts.on_delete = [this](const std::shared_ptr<const ServiceAccount>& account) {
      if (account->metadata.name == account_name) loop_.queue().add(account->metadata.namespace_);
    };
    accounts_.add_handler(std::move(accounts));
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Namespace> namespaces_;
  client::Informer<ServiceAccount> accounts_;
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> ServiceAccountController::sync(rt::Context ctx, std::string key) {
  const auto ns = namespaces_.get(key);
  if (ns == nullptr || ns->status.phase == "Terminating" || ns->metadata.deletion_timestamp) co_return Unit{};
  if (accounts_.get(key, account_name) != nullptr) co_return Unit{};
  ServiceAccount account;
  account.metadata.namespace_ = key;
  account.metadata.name = account_name;
  auto made = co_await deps_.client.create<ServiceAccount>(std::move(ctx), std::move(account));
  if (made || made.error().reason == Reason::AlreadyExists || made.error().reason == Reason::NotFound || pods::is_namespace_terminating(made.error()))
    co_return Unit{};
  co_return Unexpected(std::move(made).error());
}

}  // namespace

std::unique_ptr<Controller> make_serviceaccount_controller(ControllerDeps deps) {
  return std::make_unique<ServiceAccountController>(std::move(deps));
}

}  // namespace pintle::controller::serviceaccount
