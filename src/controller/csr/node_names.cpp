#include "controller/csr/node_names.h"

#include "api/gen/core_v1.h"
#include "component/certificate/keys.h"
#include "controller/objects/time.h"

namespace pintle::controller::csr {

using api::core_v1::ConfigMap;

namespace {

constexpr std::string_view home = "kube-system";
constexpr std::string_view object_prefix = "node-key.";
constexpr std::size_t object_name_max = 253;

std::string object_name(const std::string& node) {
  const std::string plain = std::string(object_prefix) + node;
  return plain.size() <= object_name_max ? plain : std::string(object_prefix) + component::hex(component::sha256(node));
}

ConfigMap binding(const NameClaim& claim) {
  ConfigMap out;
  out.metadata.namespace_ = home;
  out.metadata.name = object_name(claim.node);
  out.data["node"] = claim.node;
  out.data["key"] = claim.key;
  return out;
}

std::string text_at(const ConfigMap& map, std::string_view key) {
  const std::string* value = map.data.get(key);
  return value ? *value : std::string();
}

std::unexpected<Status> again() { return error(Reason::Conflict, "the node's name was given away meanwhile"); }

}  // namespace

NodeNames::NodeNames(client::Client& client, const std::vector<std::string>& reserved) : client_(client), reserved_(reserved.begin(), reserved.end()) {}

rt::Task<Result<bool>> NodeNames::claim(rt::Context ctx, NameClaim claim) {
  if (reserved_.contains(claim.node)) co_return false;
  auto held = co_await client_.get<ConfigMap>(ctx, std::string(home), object_name(claim.node));
  if (!held && held.error().reason != Reason::NotFound) co_return std::unexpected(std::move(held).error());
  if (!held) {
    // A Node without a known key is an old one's: only itself may say which key it has.
    if (claim.node_exists && !claim.by_node_itself) co_return false;
    ConfigMap fresh = binding(claim);
    auto made = co_await client_.create<ConfigMap>(ctx, std::move(fresh));
    if (made) co_return true;
    if (made.error().reason == Reason::AlreadyExists) co_return again();
    co_return std::unexpected(std::move(made).error());
  }
  if (text_at(*held, "key") == claim.key) co_return true;
  if (claim.by_node_itself) {
    held->data["key"] = claim.key;
    ConfigMap changed = std::move(*held);
    auto written = co_await client_.update<ConfigMap>(ctx, std::move(changed));
    if (!written) co_return std::unexpected(std::move(written).error());
    co_return true;
  }
  const bool unused = !claim.node_exists && to_wall_time(held->metadata.creation_timestamp) + unused_name_kept_max < client_.runtime().clock().wall_now();
  if (!unused) co_return false;
  client::DeleteOptions options;
  options.precondition_uid = held->metadata.uid;
  auto removed = co_await client_.remove<ConfigMap>(ctx, std::string(home), object_name(claim.node), std::move(options));
  if (!removed && removed.error().reason != Reason::NotFound) co_return std::unexpected(std::move(removed).error());
  co_return again();
}

rt::Task<Result<Unit>> NodeNames::release(rt::Context ctx, std::string node) {
  auto removed = co_await client_.remove<ConfigMap>(ctx, std::string(home), object_name(node));
  if (!removed && removed.error().reason != Reason::NotFound) co_return std::unexpected(std::move(removed).error());
  co_return Unit{};
}

}  // namespace pintle::controller::csr
