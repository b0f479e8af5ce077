// What the table rows of pod templates share: names and images of the containers, and the selector.
#pragma once

#include <string>

#include "api/gen/core_v1.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

// The cells "Containers", "Images" and "Selector"; `selector` is its text, "" for none.
void append_template_cells(const api::core_v1::PodSpec& spec, std::string_view selector, registry::TableCells& cells);
// The text of a metav1.LabelSelector or, for an older kind, of a map.
std::string selector_text(const api::meta_v1::LabelSelector* selector);
std::string selector_text(const FlatMap<std::string>& selector);

}  // namespace pintle::apiserver::resources
