#include "storage/cache/field_index.h"

#include <algorithm>

namespace pintle::storage {
namespace {

constexpr std::string_view name_field = "metadata.name";

auto place_of(std::vector<CachedObjectPtr>& objects, std::string_view key) {
  return std::ranges::lower_bound(objects, key, {}, [](const CachedObjectPtr& object) { return object->key(); });
}

}  // namespace

std::string_view field_of(const CachedObject& object, std::string_view field) {
  if (field == name_field) return object.header().name;
  const std::string_view* value = object.header().fields.get(field);
  return value == nullptr ? std::string_view() : *value;
}

FieldIndex::FieldIndex(std::vector<std::string_view> fields) {
  for (const std::string_view name : fields) fields_.push_back({name, {}});
}

const FieldIndex::Field* FieldIndex::field(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? nullptr : &*found;
}

bool FieldIndex::covers(std::string_view field, std::string_view value) const { return !value.empty() && this->field(field) != nullptr; }

void FieldIndex::replace(const CachedObjectPtr& before, const CachedObjectPtr& now) {
  for (Field& field : fields_) {
    const std::string_view was = before ? field_of(*before, field.name) : std::string_view();
    const std::string_view is = now ? field_of(*now, field.name) : std::string_view();
    if (!was.empty() && was == is) {
      auto& objects = field.objects.find(is)->second;
      *place_of(objects, now->key()) = now;
      continue;
    }
    if (!was.empty()) {
      const auto left = field.objects.find(was);
      left->second.erase(place_of(left->second, before->key()));
      if (left->second.empty()) field.objects.erase(left);
    }
    if (is.empty()) continue;
    auto entered = field.objects.find(is);
    if (entered == field.objects.end()) entered = field.objects.emplace(std::string(is), std::vector<CachedObjectPtr>()).first;
    entered->second.insert(place_of(entered->second, now->key()), now);
  }
}

std::span<const CachedObjectPtr> FieldIndex::find(std::string_view field, std::string_view value) const {
  const Field* indexed = this->field(field);
  const auto found = indexed->objects.find(value);
  if (found == indexed->objects.end()) return {};
  return found->second;
}

}  // namespace pintle::storage
