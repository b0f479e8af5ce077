#include <algorithm>
#include <set>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod_spec.h"
#include "base/flat_map_merge.h"
#include "rules/resource_names.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using Resources = FlatMap<api::Quantity>;

std::set<std::string> keys_of(const core::LimitRangeItem& item) {
  std::set<std::string> keys;
  for (const Resources* list : {&item.max, &item.min, &item.default_, &item.default_request, &item.max_limit_request_ratio})
    for (const auto& [key, quantity] : *list) keys.insert(key);
  return keys;
}

// One resource of one item: min <= defaultRequest <= default <= max.
void validate_order(const core::LimitRangeItem& item, const std::string& key, const FieldPath& path, FieldErrors& errors) {
  const api::Quantity* min = item.min.get(key);
  const api::Quantity* max = item.max.get(key);
  const api::Quantity* request = item.default_request.get(key);
  const api::Quantity* limit = item.default_.get(key);
  const api::Quantity* ratio = item.max_limit_request_ratio.get(key);
  const auto ordered = [&](const api::Quantity* low, const api::Quantity* high, std::string_view field, const char* detail) {
    if (low && high && low->compare(*high) > 0) errors.invalid(path.child(field).key(key), low->text(), detail);
  };
  ordered(min, max, "min", "min value is greater than max value");
  if (request && min && min->compare(*request) > 0)
    errors.invalid(path.child("defaultRequest").key(key), request->text(), "min value is greater than default request value");
  ordered(request, max, "defaultRequest", "default request value is greater than max value");
  ordered(request, limit, "defaultRequest", "default request value is greater than default limit value");
  if (limit && min && min->compare(*limit) > 0)
    errors.invalid(path.child("default").key(key), limit->text(), "min value is greater than default value");
  ordered(limit, max, "default", "default value is greater than max value");
  if (ratio && ratio->compare(api::Quantity::from_int(1)) < 0)
    errors.invalid(path.child("maxLimitRequestRatio").key(key), ratio->text(), "ratio is less than 1");
  const bool overcommits = rules::is_overcommitted(key);
  if (item.type == "Container" && !overcommits) {
    if (limit && !request) errors.invalid(path.child("default").key(key), limit->text(), "may not be set without a default request");
    if (limit && request && *limit != *request)
      errors.invalid(path.child("defaultRequest").key(key), request->text(), "default value must equal to defaultRequest value");
  }
}

class LimitRangeStrategy : public registry::TypedStrategy<core::LimitRange> {
 public:
  // A container's default limit is its maximum, its default request the default limit, then the minimum.
  void set_defaults(core::LimitRange& range) const override {
    for (core::LimitRangeItem& item : range.spec.limits) {
      if (item.type != "Container") continue;
      add_missing(item.default_, item.max);
      add_missing(item.default_request, item.default_);
      add_missing(item.default_request, item.min);
    }
  }

  void validate(const RequestScope&, const core::LimitRange& range, FieldErrors& errors) const override {
    std::set<std::string_view> types;
    const FieldPath list("spec", "limits");
    for (std::size_t i = 0; i < range.spec.limits.size(); ++i) {
      const core::LimitRangeItem& item = range.spec.limits[i];
      const FieldPath at = list.index(i);
      const auto faults = apimachinery::check_qualified_name(item.type);
      errors.invalid_all(at.child("type"), item.type, faults);
      if (faults.empty() && item.type.find('/') == std::string::npos && item.type != "Container" && item.type != "Pod" &&
          item.type != "PersistentVolumeClaim")
        errors.invalid(at.child("type"), item.type, "must be a standard limit type or fully qualified");
      if (!types.insert(item.type).second) errors.duplicate(at.child("type"), item.type);
      const std::set<std::string> keys = keys_of(item);
      if (item.type == "Pod") {
        if (!item.default_.empty()) errors.forbidden(at.child("default"), "may not be specified when `type` is 'Pod'");
        if (!item.default_request.empty()) errors.forbidden(at.child("defaultRequest"), "may not be specified when `type` is 'Pod'");
      }
      if (item.type == "PersistentVolumeClaim" && !item.min.contains("storage") && !item.max.contains("storage"))
        errors.required(at.child("limits"), "either minimum or maximum storage value is required, but neither was provided");
      for (const std::string& key : keys) validate_order(item, key, at, errors);
    }
  }

  void table_cells(const core::LimitRange& range, registry::TableCells& cells) const override {
    cells.emplace_back(range.metadata.name);
    cells.emplace_back(api::format_time(range.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition limit_ranges() {
  return {.resource = {"", "limitranges"}, .strategy = std::make_shared<LimitRangeStrategy>(), .allow_create_on_update = true};
}

}  // namespace pintle::apiserver::resources
