#include "kubelet/node/runtime_observer.h"

namespace pintle::kubelet::node {

namespace {

RuntimeCondition condition_of(const api::cri_v1::StatusResponse& answer, std::string_view type) {
  RuntimeCondition out;
  if (!answer.status) return out;
  for (const auto& condition : answer.status->conditions) {
    if (condition.type != type) continue;
    out.known = true;
    out.status = condition.status;
    out.reason = condition.reason;
    out.message = condition.message;
  }
  return out;
}

}  // namespace

rt::Task<Result<Unit>> CriObserver::learn_version(rt::Context ctx) {
  if (!name_.empty()) co_return Unit{};
  CO_TRY_ASSIGN(auto version, co_await cri_.version(std::move(ctx)));
  name_ = std::move(version.runtime_name);
  version_ = std::move(version.runtime_version);
  co_return Unit{};
}

rt::Task<Result<std::string>> CriObserver::runtime_name(rt::Context ctx) {
  CO_TRY(co_await learn_version(std::move(ctx)));
  co_return name_;
}

rt::Task<Result<RuntimeObservation>> CriObserver::observe(rt::Context ctx) {
  auto answer = co_await cri_.status(ctx, false);
  if (!answer) {
    name_.clear();
    co_return Unexpected(std::move(answer).error());
  }
  CO_TRY(co_await learn_version(ctx));
  RuntimeObservation out;
  out.name = name_;
  out.version = version_;
  out.runtime_ready = condition_of(*answer, "RuntimeReady");
  out.network_ready = condition_of(*answer, "NetworkReady");
  for (const auto& handler : answer->runtime_handlers) {
    auto& made = out.handlers.emplace_back();
    made.name = handler.name;
    auto& features = made.features.ensure();
    features.recursive_read_only_mounts = handler.features && handler.features->recursive_read_only_mounts;
    features.user_namespaces = handler.features && handler.features->user_namespaces;
  }
  if (answer->features) out.supplemental_groups_policy = answer->features->supplemental_groups_policy;
  co_return std::move(out);
}

rt::Task<Result<std::vector<api::core_v1::ContainerImage>>> CriObserver::images(rt::Context ctx) {
  CO_TRY_ASSIGN(auto list, co_await cri_.list_images(ctx));
  std::vector<api::core_v1::ContainerImage> out;
  for (auto& image : list) {
    auto& made = out.emplace_back();
    made.names = std::move(image.repo_digests);
    for (auto& tag : image.repo_tags) made.names.push_back(std::move(tag));
    made.size_bytes = static_cast<int64_t>(image.size);
  }
  co_return std::move(out);
}

}  // namespace pintle::kubelet::node
