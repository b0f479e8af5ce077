// A label selector as Go prints it, which messages and events of upstream quote.
#pragma once

#include <string>

#include "api/gen/meta_v1.h"

namespace pintle::controller::objects {

// "&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}"; nullptr: "nil".
std::string selector_text(const api::meta_v1::LabelSelector* selector);

}  // namespace pintle::controller::objects
