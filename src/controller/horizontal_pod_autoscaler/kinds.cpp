#include "controller/horizontal_pod_autoscaler/kinds.h"

#include "controller/discovery/discovery.h"

namespace pintle::controller::horizontal_pod_autoscaler {

rt::Task<Result<client::Resource>> Kinds::find(rt::Context ctx, std::string group, std::string kind) {
  const std::pair<std::string, std::string> key{group, kind};
  if (const auto known = known_.find(key); known != known_.end()) co_return known->second.resource;
  auto served = co_await discovery::find_kind(client_, std::move(ctx), group, kind);
  if (!served) co_return Unexpected(std::move(served).error());
  if (!*served) co_return error(Reason::NotFound, "no matches for kind \"" + kind + "\" in group \"" + group + "\"");
  if (known_.size() >= kinds_max) known_.clear();
  const Known found{(*served)->resource, client_.runtime().clock().now()};
  known_[key] = found;
  co_return found.resource;
}

void Kinds::doubt(const client::Resource& resource) {
  const auto known = known_.find({resource.group, resource.kind});
  if (known != known_.end() && client_.runtime().clock().now() - known->second.asked >= age_max) known_.erase(known);
}

}  // namespace pintle::controller::horizontal_pod_autoscaler
