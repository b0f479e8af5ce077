#include "api/registry.h"

namespace pintle::api {
namespace {

constexpr uint64_t fnv1a(uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return hash;
}

constexpr uint64_t hash_of(std::string_view group, std::string_view version, std::string_view kind) {
  constexpr std::string_view separator("\0", 1);
  uint64_t hash = fnv1a(0xcbf29ce484222325ull, group);
  hash = fnv1a(fnv1a(hash, separator), version);
  return fnv1a(fnv1a(hash, separator), kind);
}

}  // namespace

const KindInfo* find_kind(std::string_view group, std::string_view version, std::string_view kind) {
  const std::size_t mask = registry::slots.size() - 1;
  const GroupVersionKind wanted{group, version, kind};
  for (std::size_t at = hash_of(group, version, kind) & mask; registry::slots[at] >= 0; at = (at + 1) & mask) {
    const KindInfo& info = registry::kinds[static_cast<std::size_t>(registry::slots[at])];
    if (info.gvk == wanted) return &info;
  }
  return nullptr;
}

const KindInfo* kind_of(const Type& type) { return type.kind_index < 0 ? nullptr : &registry::kinds[static_cast<std::size_t>(type.kind_index)]; }

std::span<const KindInfo> all_kinds() { return registry::kinds; }

// Fields are few and names short: a scan beats a hash here.
const Field* Type::find_field(std::string_view json_name) const {
  for (const Field& field : fields) {
    if (field.name == json_name) return &field;
  }
  return nullptr;
}

}  // namespace pintle::api
