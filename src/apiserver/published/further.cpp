#include "apiserver/published/further.h"

#include <fmt/format.h>

namespace pintle::apiserver::published {

Result<Unit> FurtherServers::set(std::string name, FurtherVersion version) {
  version.discovery.version = version.version;
  auto made = std::make_shared<const FurtherVersion>(std::move(version));
  ThreadLock lock(mutex_);
  auto next = std::make_shared<Listed>(*listed_);
  if (!next->versions.contains(name) && next->versions.size() >= further_servers_max)
    return error(Reason::TooManyRequests, fmt::format("more than {} group versions of other servers are not merged", further_servers_max));
  next->versions[std::move(name)] = std::move(made);
  ++next->generation;
  listed_ = std::move(next);
  return Unit{};
}

void FurtherServers::remove(std::string_view name) {
  ThreadLock lock(mutex_);
  const auto it = listed_->versions.find(name);
  if (it == listed_->versions.end()) return;
  auto next = std::make_shared<Listed>(*listed_);
  next->versions.erase(next->versions.find(name));
  ++next->generation;
  listed_ = std::move(next);
}

std::shared_ptr<const FurtherServers::Listed> FurtherServers::listed() const {
  ThreadLock lock(mutex_);
  return listed_;
}

}  // namespace pintle::apiserver::published
