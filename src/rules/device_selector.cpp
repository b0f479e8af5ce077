#include "rules/device_selector.h"

#include <algorithm>
#include <array>
#include <vector>

#include "apimachinery/cel/value.h"

namespace pintle::rules {

namespace cel = apimachinery::cel;
namespace v1 = api::resource_v1;

namespace {

// The API's limits, which costs are reckoned with.
constexpr uint64_t domain_length_max = 63, id_length_max = 32, driver_length_max = 63, attribute_length_max = 64, entries_max = 32;

cel::TypeRef sized(cel::TypePool& pool, cel::TypeRef type, uint64_t size_max) {
  cel::Type out = *type;
  out.size_max = size_max;
  return &pool.add(std::move(out));
}

struct QualifiedName {
  std::string_view domain, id;
};
QualifiedName qualify(std::string_view name, std::string_view driver) {
  const std::size_t slash = name.find('/');
  return slash == std::string_view::npos ? QualifiedName{driver, name} : QualifiedName{name.substr(0, slash), name.substr(slash + 1)};
}

// One attribute or capacity of a device, with its value.
struct QualifiedValue {
  QualifiedName name;
  cel::Value value;
};
using QualifiedValues = std::vector<QualifiedValue>;

// Those of one domain: id to value. `first` and `count` are places in a sorted list.
class DomainMap final : public cel::Map {
 public:
  DomainMap(const QualifiedValues& all, std::size_t first, std::size_t count) : all_(all), first_(first), count_(count) {}
  std::size_t size() const override { return count_; }
  std::optional<cel::Value> find(const cel::Value& key, cel::Arena&) const override {
    if (!key.is(cel::Value::Kind::String)) return std::nullopt;
    for (std::size_t i = 0; i < count_; ++i)
      if (all_[first_ + i].name.id == key.text()) return all_[first_ + i].value;
    return std::nullopt;
  }
  cel::Value key_at(std::size_t i, cel::Arena&) const override { return cel::Value::of(all_[first_ + i].name.id); }
  cel::Value value_at(std::size_t i, cel::Arena&) const override { return all_[first_ + i].value; }

 private:
  const QualifiedValues& all_;
  std::size_t first_, count_;
};

// Domain to its map; a domain that is not there reads as an empty one, so that a selector need not ask for it first.
class DomainsMap final : public cel::Map {
 public:
  explicit DomainsMap(QualifiedValues all) : all_(std::move(all)), none_(all_, 0, 0) {
    std::ranges::stable_sort(all_,
                             [](const auto& a, const auto& b) { return std::tie(a.name.domain, a.name.id) < std::tie(b.name.domain, b.name.id); });
    for (std::size_t i = 0; i < all_.size();) {
      std::size_t end = i;
      while (end < all_.size() && all_[end].name.domain == all_[i].name.domain) ++end;
      domains_.emplace_back(all_, i, end - i);
      names_.push_back(all_[i].name.domain);
      i = end;
    }
  }
  DomainsMap(const DomainsMap&) = delete;
  DomainsMap& operator=(const DomainsMap&) = delete;
  std::size_t size() const override { return domains_.size(); }
  std::optional<cel::Value> find(const cel::Value& key, cel::Arena&) const override {
    const std::size_t at = place_of(key);
    return cel::Value::of(at < names_.size() ? domains_[at] : none_);
  }
  bool contains(const cel::Value& key, cel::Arena&) const override { return place_of(key) < names_.size(); }
  cel::Value key_at(std::size_t i, cel::Arena&) const override { return cel::Value::of(names_[i]); }
  cel::Value value_at(std::size_t i, cel::Arena&) const override { return cel::Value::of(domains_[i]); }

 private:
  std::size_t place_of(const cel::Value& key) const {
    if (!key.is(cel::Value::Kind::String)) return names_.size();
    return static_cast<std::size_t>(std::ranges::find(names_, key.text()) - names_.begin());
  }
  QualifiedValues all_;
  DomainMap none_;
  std::vector<DomainMap> domains_;
  std::vector<std::string_view> names_;
};

// An error text where it has no value that is known here.
std::string attribute_value(const v1::DeviceAttribute& attribute, cel::Arena& arena, cel::Value& out) {
  if (attribute.int_) {
    out = cel::Value::of(*attribute.int_);
  } else if (attribute.bool_) {
    out = cel::Value::of(*attribute.bool_);
  } else if (attribute.string) {
    out = cel::Value::of(std::string_view(*attribute.string));
  } else if (attribute.version) {
    out = cel::semver_value(*attribute.version, arena);
    if (out.is_error()) return "parse semantic version: " + std::string(out.as_error().message);
  } else {
    return "unsupported attribute value";
  }
  return {};
}

struct DeviceEnvironment {
  explicit DeviceEnvironment(bool consumable_capacity)
      : environment(cel::EnvironmentOptions{.libraries = cel::kubernetes_libraries | cel::Library::Bindings}) {
    cel::TypePool& types = environment.types();
    const cel::TypeRef domain = sized(types, &cel::types::string, domain_length_max), id = sized(types, &cel::types::string, id_length_max);
    const auto domains_of = [&](cel::TypeRef value) {
      return sized(types, types.map(domain, sized(types, types.map(id, value), entries_max)), entries_max);
    };
    fields.add("driver", sized(types, &cel::types::string, driver_length_max));
    fields.add("attributes", domains_of(sized(types, &cel::types::dyn, attribute_length_max)));
    fields.add("capacity", domains_of(&cel::types::quantity));
    if (consumable_capacity) fields.add("allowMultipleAllocations", sized(types, &cel::types::boolean, 1));
    device = types.structure("kubernetes.DRADevice", &fields);
    environment.add_variable("device", device);
  }
  cel::FieldList fields;
  cel::Environment environment;
  cel::TypeRef device = nullptr;
};

}  // namespace

Result<bool> DeviceSelector::matches(std::string_view driver, const v1::Device& device) const {
  cel::Arena arena;
  QualifiedValues attributes, capacity;
  for (const auto& [name, attribute] : device.attributes) {
    cel::Value value;
    if (const std::string why = attribute_value(attribute, arena, value); !why.empty()) return bad_request("attribute " + name + ": " + why);
    attributes.push_back({qualify(name, driver), value});
  }
  for (const auto& [name, amount] : device.capacity) capacity.push_back({qualify(name, driver), cel::quantity_value(amount.value, arena)});
  const DomainsMap attributes_map(std::move(attributes)), capacity_map(std::move(capacity));

  const bool several = consumable_capacity_ && device.allow_multiple_allocations.value_or(false);
  const std::array<cel::Entry, 4> entries{cel::Entry{cel::Value::of("driver"), cel::Value::of(driver)},
                                          cel::Entry{cel::Value::of("attributes"), cel::Value::of(attributes_map)},
                                          cel::Entry{cel::Value::of("capacity"), cel::Value::of(capacity_map)},
                                          cel::Entry{cel::Value::of("allowMultipleAllocations"), cel::Value::of(several)}};
  const std::array<cel::Value, 1> variables{cel::make_map(entries, arena)};
  const cel::Outcome outcome = program_.evaluate(variables, arena, {.cost_max = device_selector_cost_max});
  if (outcome.value.is_error()) return bad_request(std::string(outcome.value.as_error().message));
  if (!outcome.value.is(cel::Value::Kind::Bool)) {
    const std::string type(cel::type_of(outcome.value).name);
    return bad_request("CEL result of type " + type + " could not be converted to bool: unsupported type conversion from '" + type + "' to bool");
  }
  return outcome.value.is_true();
}

uint64_t DeviceSelector::cost_max() const { return program_.estimate_cost().max; }

Result<DeviceSelector> compile_device_selector(std::string_view expression, bool consumable_capacity) {
  static const DeviceEnvironment with(true), without(false);
  auto program = (consumable_capacity ? with : without).environment.compile(expression);
  if (!program) return bad_request("compilation failed: " + program.error().message);
  const cel::TypeRef type = program->result_type();
  if (type->kind != cel::TypeKind::Bool && type->kind != cel::TypeKind::Dyn)
    return bad_request("must evaluate to bool or the unknown type, not " + cel::type_text(type));
  return DeviceSelector(std::move(*program), consumable_capacity);
}

Result<std::shared_ptr<const DeviceSelector>> DeviceSelectors::compile(const std::string& expression) {
  if (const auto known = by_expression_.find(expression); known != by_expression_.end()) {
    kept_.splice(kept_.begin(), kept_, known->second);
    return kept_.front().selector;
  }
  if (kept_.size() == kept_max) {
    by_expression_.erase(kept_.back().expression);
    kept_.pop_back();
  }
  Result<std::shared_ptr<const DeviceSelector>> selector;
  if (auto made = compile_device_selector(expression, consumable_capacity_))
    selector = std::make_shared<const DeviceSelector>(std::move(*made));
  else
    selector = Unexpected(std::move(made).error());
  kept_.push_front({expression, std::move(selector)});
  by_expression_.emplace(kept_.front().expression, kept_.begin());
  return kept_.front().selector;
}

}  // namespace pintle::rules
