// Whether an aggregated server is available, as the condition Available of its APIService tells: reasons and messages are upstream's. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "api/gen/apiregistration_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "apiserver/callout/service_resolver.h"

namespace pintle::apiserver::aggregation {

using Condition = api::apiregistration_v1::APIServiceCondition;

// What the service and its endpoints say; `service` nullptr: it is not there. nullopt: nothing is wrong with them, the server is to be asked.
std::optional<Condition> judge(const callout::ServiceName& name, const api::core_v1::Service* service,
                               std::span<const api::discovery_v1::EndpointSlice> slices);
Condition local_condition();                  // this server itself
Condition passed_condition();                 // it answered
Condition failed_condition(std::string why);  // it did not, or badly

// Puts the condition in the place of the one before; the time of the last transition stays while the status does. False: nothing changed.
bool set_condition(api::apiregistration_v1::APIServiceStatus& status, Condition condition, api::Time now);

}  // namespace pintle::apiserver::aggregation
