#include "controller/serviceaccount_token/controller.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/split.h"
#include "client/work_queue.h"
#include "component/certificate/web_token.h"
#include "component/log.h"
#include "controller/objects/token_secrets.h"
#include "controller/serviceaccount_token/plan.h"

namespace pintle::controller::serviceaccount_token {

using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

namespace {

constexpr std::size_t workers_default = 5;
constexpr const char* by_account = "account";  // index of Secrets by "NAMESPACE/ACCOUNT"

bool is_settled(const Status& failure) { return failure.reason == Reason::Conflict || failure.reason == Reason::NotFound; }

// Where no key is given: as upstream's, which is not started then.
class Idle final : public Controller {
 public:
  void start() override { component::log::info(0, "Tokens in Secrets are not made: --service-account-private-key-file is not given"); }
  rt::Task<void> stop() override { co_return; }
};

class TokenController final : public Controller {
 public:
  explicit TokenController(ControllerDeps deps)
      : deps_(deps),
        secrets_(objects::token_secrets(deps.informers)),
        accounts_(deps.informers.of<ServiceAccount>()),
        secrets_loop_(deps.loop("serviceaccount_tokens_secret"),
                      [this](rt::Context ctx, std::string key) { return sync_secret(std::move(ctx), std::move(key)); }),
        references_loop_(deps.loop("serviceaccount_tokens_service"),
                         [this](rt::Context ctx, std::string key) { return drop_reference(std::move(ctx), std::move(key)); }) {
    secrets_.add_index(by_account, [](const Secret& secret) {
      return std::vector<std::string>{client::object_key(secret.metadata.namespace_, account_of(secret).name)};
    });
    client::Informer<Secret>::Handler secrets;
    secrets.on_add = [this](const auto& secret, bool) { add(*secret); };
    secrets.on_update = [this](const auto&, const auto& secret) { add(*secret); };
    secrets.on_delete = [this](const auto& secret) {
      add(*secret);  // one of the same name may have come by now
      const AccountRef account = account_of(*secret);
      references_loop_.queue().add(fmt::format("{}/{}/{}/{}", secret->metadata.namespace_, account.name, account.uid, secret->metadata.name));
    };
    secrets_.add_handler(std::move(secrets));
    client::Informer<ServiceAccount>::Handler accounts;
    accounts.on_add = [this](const auto& account, bool initial) {
      if (!initial) add_secrets_of(*account);
    };
    accounts.on_update = [this](const auto& old, const auto& account) {
      if (old->metadata.uid != account->metadata.uid) add_secrets_of(*account);
    };
    accounts.on_delete = [this](const auto& account) { add_secrets_of(*account); };
    accounts_.add_handler(std::move(accounts));
  }
  void start() override {
    secrets_loop_.start(deps_.workers(workers_default));
    references_loop_.start(deps_.workers(workers_default));
  }
  rt::Task<void> stop() override {
    co_await secrets_loop_.stop();
    co_await references_loop_.stop();
  }

 private:
  void add(const Secret& secret) { secrets_loop_.queue().add(client::object_key(secret.metadata.namespace_, secret.metadata.name)); }
  void add_secrets_of(const ServiceAccount& account) {
    for (const auto& secret : secrets_.by_index(by_account, client::object_key(account.metadata.namespace_, account.metadata.name))) add(*secret);
  }
  rt::Task<Result<Unit>> sync_secret(rt::Context ctx, std::string key);
  rt::Task<Result<std::shared_ptr<const ServiceAccount>>> find_account(rt::Context ctx, std::string ns, AccountRef ref);
  rt::Task<Result<Unit>> write(rt::Context ctx, Plan plan);
  rt::Task<Result<Unit>> remove(rt::Context ctx, std::shared_ptr<const Secret> secret);
  rt::Task<Result<Unit>> drop_reference(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Secret> secrets_;
  client::Informer<ServiceAccount> accounts_;
  client::ControlLoop secrets_loop_;     // by NAMESPACE/NAME
  client::ControlLoop references_loop_;  // by NAMESPACE/ACCOUNT/UID/SECRET, of Secrets that are gone
};

// The server is asked before a Secret is condemned: the account may be younger than what the informer has seen. nullptr: there is none.
rt::Task<Result<std::shared_ptr<const ServiceAccount>>> TokenController::find_account(rt::Context ctx, std::string ns, AccountRef ref) {
  auto known = accounts_.get(ns, ref.name);
  if (known != nullptr && ref.is(*known)) co_return known;
  auto found = co_await deps_.client.get<ServiceAccount>(std::move(ctx), std::move(ns), ref.name);
  if (found && ref.is(*found)) co_return std::make_shared<const ServiceAccount>(std::move(*found));
  if (!found && found.error().reason != Reason::NotFound) co_return Unexpected(std::move(found).error());
  co_return std::shared_ptr<const ServiceAccount>();
}

rt::Task<Result<Unit>> TokenController::sync_secret(rt::Context ctx, std::string key) {
  const auto secret = secrets_.get(key);
  if (secret == nullptr || secret->metadata.deletion_timestamp) co_return Unit{};
  AccountRef ref = account_of(*secret);
  if (ref.name.empty()) co_return Unit{};  // the API server lets none through
  CO_TRY_ASSIGN(const auto account, co_await find_account(ctx, secret->metadata.namespace_, std::move(ref)));
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_secret(*secret, account.get(), deps_.options.root_ca_pem); }));
  switch (plan.act) {
    case Act::Keep: co_return Unit{};
    case Act::Remove: co_return co_await remove(std::move(ctx), secret);
    case Act::Write:
    case Act::SignWrite: break;
  }
  co_return co_await write(std::move(ctx), std::move(plan));
}

rt::Task<Result<Unit>> TokenController::write(rt::Context ctx, Plan plan) {
  if (plan.act == Act::SignWrite) {
    CO_TRY_ASSIGN(plan.secret.data[token_key], component::sign_web_token(*deps_.options.service_account_key, plan.claims));
  }
  // Of the state that was looked at: after a conflict a newer one is on its way here.
  auto written = co_await deps_.client.update<Secret>(std::move(ctx), std::move(plan.secret));
  if (!written && !is_settled(written.error())) co_return Unexpected(std::move(written).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> TokenController::remove(rt::Context ctx, std::shared_ptr<const Secret> secret) {
  client::DeleteOptions options;
  options.precondition_uid = secret->metadata.uid;
  auto done = co_await deps_.client.remove<Secret>(std::move(ctx), secret->metadata.namespace_, secret->metadata.name, std::move(options));
  if (!done && !is_settled(done.error())) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> TokenController::drop_reference(rt::Context ctx, std::string key) {
  const auto parts = split(key, '/');
  CHECK(parts.size() == 4, "NAMESPACE/ACCOUNT/UID/SECRET");
  const std::string ns(parts[0]), secret(parts[3]);
  const AccountRef ref{std::string(parts[1]), std::string(parts[2])};
  if (secrets_.get(ns, secret) != nullptr) co_return Unit{};  // it is there again
  const auto known = accounts_.get(ns, ref.name);
  if (known == nullptr || !ref.is(*known)) co_return Unit{};
  auto account = co_await deps_.client.get<ServiceAccount>(ctx, ns, ref.name);
  if (!account) {
    if (account.error().reason == Reason::NotFound) co_return Unit{};
    co_return Unexpected(std::move(account).error());
  }
  if (!ref.is(*account)) co_return Unit{};
  auto without = without_secret(*account, secret);
  if (!without) co_return Unit{};
  auto written = co_await deps_.client.update<ServiceAccount>(std::move(ctx), std::move(*without));
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_token_controller(ControllerDeps deps) {
  if (!deps.options.service_account_key) return std::make_unique<Idle>();
  return std::make_unique<TokenController>(std::move(deps));
}

}  // namespace pintle::controller::serviceaccount_token
