// How the objects of a definition go from version to version: not at all where its versions say the same of them, by what each version's schema
// keeps of them, or by its webhook.
#pragma once

#include <memory>

#include "api/gen/apiextensions_v1.h"
#include "apiserver/custom/conversion_metrics.h"
#include "apiserver/registry/version_converter.h"
#include "base/bytes.h"
#include "rt/clock.h"
#include "rt/runtime.h"

namespace pintle::apimachinery::cel {
class TimeZones;
}  // namespace pintle::apimachinery::cel

namespace pintle::apiserver::callout {
class Callouts;
}  // namespace pintle::apiserver::callout

namespace pintle::apiserver::custom {

constexpr rt::Duration conversion_timeout = std::chrono::seconds(30);  // of one call
constexpr std::size_t conversion_answer_bytes_max = 8 << 20;           // of JSON that it answers, then it has failed

// What the resources of definitions ask besides the store. They outlive every converter.
struct ConversionDeps {
  callout::Callouts& callouts;
  rt::Random& random;
  const rt::Clock& clock;
  ConversionMetrics* metrics = nullptr;                 // nullptr: calls are not counted
  const apimachinery::cel::TimeZones* zones = nullptr;  // that rules may name
};

// nullptr: an object's text is right in every version. The definition outlives the converter.
std::shared_ptr<const registry::VersionConverter> make_converter(const api::apiextensions_v1::CustomResourceDefinition& definition,
                                                                 const ConversionDeps& deps);

}  // namespace pintle::apiserver::custom
