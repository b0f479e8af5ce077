#include "controller/bootstrap/controller.h"

#include <algorithm>

#include "client/work_queue.h"
#include "controller/bootstrap/plan.h"

namespace pintle::controller::bootstrap {

using api::core_v1::ConfigMap;
using api::core_v1::Secret;

namespace {

constexpr std::string_view map_namespace = "kube-public";
constexpr std::string_view map_name = "cluster-info";

client::InformerOptions token_secrets() {
  client::InformerOptions options;
  options.namespace_name = "kube-system";
  options.field_selector = "type=" + std::string(token_secret_type);
  return options;
}
client::InformerOptions cluster_info() {
  client::InformerOptions options;
  options.namespace_name = map_namespace;
  options.field_selector = "metadata.name=" + std::string(map_name);
  return options;
}

class Signer final : public Controller {
 public:
  explicit Signer(ControllerDeps deps)
      : deps_(deps),
        secrets_(deps.informers.of<Secret>("bootstrap-tokens", token_secrets())),
        maps_(deps.informers.of<ConfigMap>("cluster-info", cluster_info())),
        loop_(deps.loop("bootstrap_signer_queue"), [this](rt::Context ctx, std::string) { return sync(std::move(ctx)); }) {
    secrets_.on_any([this](const Secret&) { loop_.queue().add(std::string(map_name)); });
    maps_.on_any([this](const ConfigMap&) { loop_.queue().add(std::string(map_name)); });
  }
  void start() override { loop_.start(1); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx);

  ControllerDeps deps_;
  client::Informer<Secret> secrets_;
  client::Informer<ConfigMap> maps_;
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> Signer::sync(rt::Context ctx) {
  const auto map = maps_.get(map_namespace, map_name);
  if (map == nullptr) co_return Unit{};
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  std::map<std::string, std::string> tokens;
  std::optional<rt::Duration> next_end;
  for (const auto& secret : secrets_.list()) {
    auto token = signing_token(*secret, now);
    if (!token) continue;
    tokens[token->id] = token->secret;
    if (const auto end = expiration(*secret)) next_end = std::min(next_end.value_or(*end - now), rt::Duration(*end - now));
  }
  if (next_end) loop_.queue().add_after(std::string(map_name), *next_end);
  auto data = signed_data(map->data, tokens);
  if (data == map->data) co_return Unit{};
  ConfigMap copy = *map;
  copy.data = std::move(data);
  auto done = co_await deps_.client.update<ConfigMap>(std::move(ctx), std::move(copy));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

class TokenCleaner final : public Controller {
 public:
  explicit TokenCleaner(ControllerDeps deps)
      : deps_(deps),
        secrets_(deps.informers.of<Secret>("bootstrap-tokens", token_secrets())),
        loop_(deps.loop("token_cleaner"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    secrets_.on_any([this](const Secret& secret) { loop_.queue().add(client::object_key(secret.metadata.namespace_, secret.metadata.name)); });
  }
  void start() override { loop_.start(1); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Secret> secrets_;
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> TokenCleaner::sync(rt::Context ctx, std::string key) {
  const auto secret = secrets_.get(key);
  const auto end = secret ? expiration(*secret) : std::nullopt;
  if (!end) co_return Unit{};
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  if (now < *end) {
    loop_.queue().add_after(key, *end - now);
    co_return Unit{};
  }
  client::DeleteOptions options;
  options.precondition_uid = secret->metadata.uid;
  auto done = co_await deps_.client.remove<Secret>(std::move(ctx), secret->metadata.namespace_, secret->metadata.name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_bootstrap_signer(ControllerDeps deps) { return std::make_unique<Signer>(std::move(deps)); }
std::unique_ptr<Controller> make_token_cleaner(ControllerDeps deps) { return std::make_unique<TokenCleaner>(std::move(deps)); }

}  // namespace pintle::controller::bootstrap
