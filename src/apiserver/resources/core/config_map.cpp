#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr std::size_t data_bytes_max = 1 << 20;  // keys aside

class ConfigMapStrategy : public registry::TypedStrategy<core::ConfigMap> {
 public:
  void validate(const RequestScope&, const core::ConfigMap& map, FieldErrors& errors) const override {
    std::size_t bytes = 0;
    for (const auto& [key, value] : map.data) {
      errors.invalid_all(FieldPath("data").key(key), key, apimachinery::check_config_map_key(key));
      if (map.binary_data.contains(key)) errors.invalid(FieldPath("data").key(key), key, "duplicate of key present in binaryData");
      bytes += value.size();
    }
    for (const auto& [key, value] : map.binary_data) {
      errors.invalid_all(FieldPath("binaryData").key(key), key, apimachinery::check_config_map_key(key));
      bytes += value.size();
    }
    if (bytes > data_bytes_max) errors.too_long(FieldPath().key(""), data_bytes_max);
  }

  void validate_update(const RequestScope&, const core::ConfigMap& map, const core::ConfigMap& old, FieldErrors& errors) const override {
    if (!old.immutable.value_or(false)) return;
    if (!map.immutable.value_or(false)) errors.forbidden(FieldPath("immutable"), "field is immutable when `immutable` is set");
    if (map.data != old.data) errors.forbidden(FieldPath("data"), "field is immutable when `immutable` is set");
    if (map.binary_data != old.binary_data) errors.forbidden(FieldPath("binaryData"), "field is immutable when `immutable` is set");
  }

  void table_cells(const core::ConfigMap& map, registry::TableCells& cells) const override {
    cells.emplace_back(map.metadata.name);
    cells.emplace_back(static_cast<int64_t>(map.data.size() + map.binary_data.size()));
    cells.push_back(registry::TableCell::age(map.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition config_maps() { return {.resource = {"", "configmaps"}, .strategy = std::make_shared<ConfigMapStrategy>()}; }

}  // namespace pintle::apiserver::resources
