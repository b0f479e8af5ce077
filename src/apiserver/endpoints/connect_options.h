// The options of a connect (exec, attach, portforward, proxy) as the object that admission sees. Pure.
#pragma once

#include "api/object.h"
#include "apiserver/exchange/exchange.h"
#include "base/status.h"

namespace pintle::apiserver::endpoints {

// Of the kind that discovery names for the subresource: PodExecOptions, PodAttachOptions, PodPortForwardOptions or one of
// the three ProxyOptions. BadRequest for parameters that cannot be read.
Result<api::Object> connect_options(const exchange::Exchange& exchange, const api::KindInfo& kind);

}  // namespace pintle::apiserver::endpoints
