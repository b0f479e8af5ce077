#include "controller/horizontal_pod_autoscaler/scale_target.h"

#include <algorithm>
#include <limits>

#include "codec/json.h"
#include "rt/sync.h"
#include "rules/owner_references.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

constexpr rt::Duration pause_after_conflict = std::chrono::milliseconds(10);

int32_t number_at(const codec::Value* object, std::string_view key) {
  const codec::Value* value = object != nullptr ? object->find(key) : nullptr;
  if (value == nullptr || !value->is_int()) return 0;
  return static_cast<int32_t>(std::clamp<int64_t>(value->as_int(), 0, std::numeric_limits<int32_t>::max()));
}

rt::Task<Result<Unit>> read_again(client::Client& client, rt::Context ctx, Scale& scale) {
  std::string path = scale.resource.path(scale.namespace_name, scale.name, "scale");
  CO_TRY_ASSIGN(scale.document, co_await client.ask_json(std::move(ctx), "GET", std::move(path), "", ""));
  read_scale(scale);
  co_return Unit{};
}

}  // namespace

void read_scale(Scale& scale) {
  const codec::Value* status = scale.document.find("status");
  scale.wanted = number_at(scale.document.find("spec"), "replicas");
  scale.actual = number_at(status, "replicas");
  scale.selector = status != nullptr ? status->string_at("selector") : std::string_view();
}

rt::Task<Result<Scale>> get_scale(client::Client& client, Kinds& kinds, rt::Context ctx, std::string namespace_name,
                                  api::autoscaling_v2::CrossVersionObjectReference target) {
  if (std::ranges::count(target.api_version, '/') > 1) co_return bad_request("unexpected GroupVersion string: " + target.api_version);
  Scale scale;
  CO_TRY_ASSIGN(scale.resource, co_await kinds.find(ctx, std::string(rules::group_of(target.api_version)), target.kind));
  scale.namespace_name = std::move(namespace_name);
  scale.name = std::move(target.name);
  auto read = co_await read_again(client, std::move(ctx), scale);
  if (!read) {
    if (read.error().reason == Reason::NotFound) kinds.doubt(scale.resource);
    co_return Unexpected(std::move(read).error());
  }
  co_return std::move(scale);
}

rt::Task<Result<Unit>> put_scale(client::Client& client, rt::Context ctx, Scale scale, int32_t replicas) {
  for (int attempt = 1;; ++attempt) {
    scale.document["spec"]["replicas"] = static_cast<int64_t>(replicas);
    std::string path = scale.resource.path(scale.namespace_name, scale.name, "scale");
    auto written = co_await client.ask_json(ctx, "PUT", std::move(path), codec::to_json(scale.document), "application/json");
    if (written) co_return Unit{};
    if (written.error().reason != Reason::Conflict || attempt == writes_max) co_return Unexpected(std::move(written).error());
    CO_TRY(co_await rt::sleep_for(ctx, pause_after_conflict));
    CO_TRY(co_await read_again(client, ctx, scale));
  }
}

}  // namespace pintle::controller::horizontal_pod_autoscaler
