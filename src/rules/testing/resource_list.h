// For tests: amounts of resources as text.
#pragma once

#include <string_view>

#include "api/gen/core_v1.h"
#include "base/split.h"
#include "rules/pod_resources.h"

namespace pintle::rules::testing {

// "cpu=1,memory=1Gi"; an amount that cannot be read throws.
inline ResourceList resource_list(std::string_view text) {
  ResourceList out;
  for (const std::string_view item : split_words(text, ',')) {
    const auto at = item.find('=');
    out[item.substr(0, at)] = api::Quantity::parse(item.substr(at + 1)).value();
  }
  return out;
}

}  // namespace pintle::rules::testing
