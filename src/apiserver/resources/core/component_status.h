// componentstatuses: made up when they are asked for.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "apiserver/registry/strategy.h"
#include "base/status.h"

namespace pintle::apiserver::resources {

// `store_failure`: why the store cannot write; nullopt: it can. Called on any executor; must not block.
std::shared_ptr<VirtualResource> make_component_statuses(std::function<std::optional<Status>()> store_failure);

}  // namespace pintle::apiserver::resources
