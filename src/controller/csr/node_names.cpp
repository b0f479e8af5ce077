#include "controller/csr/node_names.h"

#include "api/gen/core_v1.h"
#include "component/certificate/keys.h"
#include "controller/objects/time.h"

namespace pintle::controller::csr {

using api::core_v1::ConfigMap;

namespace {

constexpr std::string_view home = "kube-system";
constexpr std::string_view object_prefix = "node-key.";
constexpr const char* label = "pintle/node-key";
constexpr std::size_t object_name_max = 253;

std::string object_name(const std::string& node) {
  const std::string plain = std::string(object_prefix) + node;
  return plain.size() <= object_name_max ? plain : std::string(object_prefix) + component::hex(component::sha256(node));
}

ConfigMap binding(const NameClaim& claim) {
  ConfigMap out;
  out.metadata.namespace_ = home;
  out.metadata.name = object_name(claim.node);
  out.metadata.labels[label] = "true";
  out.data["node"] = claim.node;
  out.data["key"] = claim.key;
  return out;
}

std::string text_at(const ConfigMap& map, std::string_view key) {
  const std::string* value = map.data.get(key);
  return value ? *value : std::string();
}

// Until a name that nobody uses is free; not above zero: it is. Creation times are whole seconds.
rt::Duration time_left(const ConfigMap& held, rt::WallTime now) {
  return apimachinery::to_wall_time(held.metadata.creation_timestamp) + unused_name_kept_max + std::chrono::seconds(1) - now;
}
bool is_old(const ConfigMap& held, rt::WallTime now) { return time_left(held, now) <= rt::Duration::zero(); }

// `held` and no newer one of that name.
rt::Task<Result<Unit>> remove(client::Client* client, rt::Context ctx, ConfigMap held) {
  client::DeleteOptions options;
  options.precondition_uid = held.metadata.uid;
  auto removed = co_await client->remove<ConfigMap>(std::move(ctx), std::string(home), held.metadata.name, std::move(options));
  if (!removed && removed.error().reason != Reason::NotFound) co_return Unexpected(std::move(removed).error());
  co_return Unit{};
}

Unexpected<Status> again() { return error(Reason::Conflict, "the node's name was given away meanwhile"); }

}  // namespace

NodeNames::NodeNames(client::Client& client, const std::vector<std::string>& reserved)
    : client_(client), reserved_(reserved.begin(), reserved.end()) {}

rt::Task<Result<bool>> NodeNames::claim(rt::Context ctx, NameClaim claim) {
  if (reserved_.contains(claim.node)) co_return false;
  auto held = co_await client_.get<ConfigMap>(ctx, std::string(home), object_name(claim.node));
  if (!held && held.error().reason != Reason::NotFound) co_return Unexpected(std::move(held).error());
  if (!held) {
    // A Node without a known key is an old one's: only itself may say which key it has.
    if (claim.node_exists && !claim.by_node_itself) co_return false;
    ConfigMap fresh = binding(claim);
    auto made = co_await client_.create<ConfigMap>(ctx, std::move(fresh));
    if (made) co_return true;
    if (made.error().reason == Reason::AlreadyExists) co_return again();
    co_return Unexpected(std::move(made).error());
  }
  if (text_at(*held, "key") == claim.key) co_return true;
  if (claim.by_node_itself) {
    held->data["key"] = claim.key;
    ConfigMap changed = std::move(*held);
    auto written = co_await client_.update<ConfigMap>(ctx, std::move(changed));
    if (!written) co_return Unexpected(std::move(written).error());
    co_return true;
  }
  if (claim.node_exists || !is_old(*held, client_.runtime().clock().wall_now())) co_return false;
  ConfigMap unused = std::move(*held);
  CO_TRY(co_await remove(&client_, ctx, std::move(unused)));
  co_return again();
}

rt::Task<Result<Unit>> NodeNames::release(rt::Context ctx, std::string node) {
  auto removed = co_await client_.remove<ConfigMap>(ctx, std::string(home), object_name(node));
  if (!removed && removed.error().reason != Reason::NotFound) co_return Unexpected(std::move(removed).error());
  co_return Unit{};
}

rt::Task<Result<rt::Duration>> NodeNames::release_unused(rt::Context ctx, std::string node) {
  auto held = co_await client_.get<ConfigMap>(ctx, std::string(home), object_name(node));
  if (!held && held.error().reason == Reason::NotFound) co_return rt::Duration::zero();
  if (!held) co_return Unexpected(std::move(held).error());
  const rt::Duration left = time_left(*held, client_.runtime().clock().wall_now());
  if (left > rt::Duration::zero()) co_return left;
  ConfigMap unused = std::move(*held);
  CO_TRY(co_await remove(&client_, std::move(ctx), std::move(unused)));
  co_return rt::Duration::zero();
}

rt::Task<Result<std::vector<std::string>>> NodeNames::held(rt::Context ctx) {
  client::ListOptions options;
  options.namespace_name = home;
  options.label_selector = std::string(label) + "=true";
  CO_TRY_ASSIGN(const auto maps, co_await client_.list<ConfigMap>(std::move(ctx), std::move(options)));
  std::vector<std::string> out;
  for (const ConfigMap& map : maps.items) out.push_back(text_at(map, "node"));
  co_return out;
}

}  // namespace pintle::controller::csr
