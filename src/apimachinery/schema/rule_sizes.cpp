#include "apimachinery/schema/rule_sizes.h"

#include <algorithm>

namespace pintle::apimachinery::schema {

uint64_t cost_product(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

uint64_t cost_sum(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

namespace {

cel::TypeRef part_type(cel::TypeRef type, std::string_view step) {
  if (step == "@items" || step == "@values") return type->params.empty() ? nullptr : type->params.back();
  if (step == "@keys") return type->kind == cel::TypeKind::Map ? type->params[0] : nullptr;
  return type->fields ? type->fields->find(step).type : nullptr;
}

cel::TypeRef type_along(cel::TypeRef self, std::span<const std::string_view> path) {
  cel::TypeRef at = self;
  for (std::size_t i = 1; i < path.size() && at != nullptr; ++i) at = part_type(at, path[i]);
  return at;
}

// Of a list's item, a map's member, a text's character.
uint64_t bytes_of_one(const RuleTypes& types, cel::TypeRef type) {
  if (type->params.empty()) return 1;
  const uint64_t value = types.json_bytes_min(type->params.back());
  if (type->kind == cel::TypeKind::List) return value + around_item_bytes;
  return type->kind == cel::TypeKind::Map ? value + around_member_bytes : 1;
}

}  // namespace

std::optional<cel::SizeEstimate> SelfSizes::size(std::span<const std::string_view> path, cel::TypeRef) const {
  const cel::TypeRef at = type_along(self_, path);
  if (at == nullptr) return std::nullopt;
  return cel::SizeEstimate{0, at->size_max == cel::size_unknown ? 0 : at->size_max};
}

std::optional<cel::SizeEstimate> SizesWithin::size(std::span<const std::string_view> path, cel::TypeRef) const {
  const cel::TypeRef at = type_along(self_, path);
  if (at == nullptr) return cel::SizeEstimate{0, bytes_};
  const uint64_t fit = std::max<uint64_t>(1, bytes_ / bytes_of_one(types_, at));
  return cel::SizeEstimate{0, declared_ == Declared::Counts ? std::min(fit, at->size_max) : fit};
}

}  // namespace pintle::apimachinery::schema
