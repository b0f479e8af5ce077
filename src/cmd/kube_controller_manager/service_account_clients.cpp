#include "cmd/kube_controller_manager/service_account_clients.h"

#include "api/gen/authentication_v1.h"
#include "api/gen/core_v1.h"
#include "rt/sync.h"

namespace pintle::cmd {

using api::authentication_v1::TokenRequest;
using api::core_v1::ServiceAccount;

namespace {

constexpr std::string_view account_namespace = "kube-system";
constexpr int64_t token_seconds = 3600;
constexpr rt::Duration token_renewal = std::chrono::minutes(30);  // half of its life

// Puts the account's token on every request.
class TokenTransport final : public net::Transport {
 public:
  TokenTransport(client::Client& manager, std::unique_ptr<net::Transport> inner, std::string account)
      : manager_(manager), inner_(std::move(inner)), account_(std::move(account)) {}

  rt::Task<Result<net::Response>> send(rt::Context ctx, net::ClientRequest request) override {
    auto token = co_await current_token(ctx);
    if (!token) co_return Unexpected(std::move(token).error());
    request.headers.set("authorization", "Bearer " + *token);
    auto answer = co_await inner_->send(std::move(ctx), std::move(request));
    if (answer && answer->status == 401) token_.clear();  // revoked, or the signing key changed: the next try has a new one
    co_return std::move(answer);
  }
  rt::Task<void> close() override { co_await inner_->close(); }

 private:
  rt::Task<Result<std::string>> current_token(rt::Context ctx) {
    const rt::TimePoint now = manager_.runtime().clock().now();
    if (!token_.empty() && now < renew_at_) co_return token_;
    auto held = co_await asking_.lock(ctx);
    if (!held) co_return Unexpected(std::move(held).error());
    if (!token_.empty() && now < renew_at_) co_return token_;
    TokenRequest wanted;
    wanted.spec.expiration_seconds = token_seconds;
    auto answer = co_await manager_.create_subresource<TokenRequest>(ctx, client::resource_of<ServiceAccount>(), std::string(account_namespace),
                                                                     account_, "token", std::move(wanted));
    if (!answer) co_return Unexpected(std::move(answer).error());
    token_ = answer->status.token;
    renew_at_ = now + token_renewal;
    co_return token_;
  }

  client::Client& manager_;
  std::unique_ptr<net::Transport> inner_;
  const std::string account_;
  rt::AsyncMutex asking_;
  std::string token_;
  rt::TimePoint renew_at_{};
};

rt::Task<Result<Unit>> ensure_account(client::Client& manager, rt::Context ctx, std::string name) {
  auto there = co_await manager.get<ServiceAccount>(ctx, std::string(account_namespace), name);
  if (there) co_return Unit{};
  if (there.error().reason != Reason::NotFound) co_return Unexpected(std::move(there).error());
  ServiceAccount account;
  account.metadata.namespace_ = account_namespace;
  account.metadata.name = std::move(name);
  auto made = co_await manager.create<ServiceAccount>(std::move(ctx), std::move(account));
  if (!made && made.error().reason != Reason::AlreadyExists) co_return Unexpected(std::move(made).error());
  co_return Unit{};
}

}  // namespace

ServiceAccountClients::ServiceAccountClients(client::Client& manager, client::ConnectionConfig connection)
    : manager_(manager), connection_(std::move(connection)) {
  // The token is the only credential: neither the manager's certificate nor its own token goes along.
  connection_.tls.cert_file = connection_.tls.key_file = connection_.tls.cert_pem = connection_.tls.key_pem = "";
  connection_.client.bearer_token = connection_.client.bearer_token_file = "";
}

rt::Task<Result<std::unique_ptr<client::Client>>> ServiceAccountClients::client_for(rt::Context ctx, std::string account) {
  CO_TRY(co_await ensure_account(manager_, std::move(ctx), account));
  CO_TRY_ASSIGN(auto inner, net::make_transport(manager_.runtime(), connection_.tls));
  client::ClientConfig config = connection_.client;
  config.user_agent += "/system:serviceaccount:kube-system:" + account;
  auto transport = std::make_shared<TokenTransport>(manager_, std::move(inner), std::move(account));
  co_return std::make_unique<client::Client>(manager_.runtime(), std::move(transport), std::move(config));
}

}  // namespace pintle::cmd
