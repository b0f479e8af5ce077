#include "controller/objects/hash.h"

#include "api/codec.h"

namespace pintle::controller::objects {

uint32_t fnv1a_32(std::string_view data, uint32_t seed) {
  uint32_t hash = seed;
  for (const char c : data) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

std::string safe_hash(uint32_t hash) {
  constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
  std::string out = std::to_string(hash);
  for (char& c : out) c = letters[static_cast<unsigned char>(c) % letters.size()];
  return out;
}

uint32_t object_hash(const api::Type& type, const void* object) {
  std::string bytes;
  api::encode_proto(type, object, bytes);
  return fnv1a_32(bytes);
}

std::string pod_template_hash(const api::core_v1::PodTemplateSpec& pod_template, std::optional<int32_t> collisions) {
  uint32_t hash = object_hash(api::type_of<api::core_v1::PodTemplateSpec>(), &pod_template);
  if (collisions) hash = fnv1a_32(std::to_string(*collisions), hash);
  return safe_hash(hash);
}

bool equal_ignoring_hash(const api::core_v1::PodTemplateSpec& a, const api::core_v1::PodTemplateSpec& b) {
  constexpr std::string_view label = "pod-template-hash";
  const auto& type = api::type_of<api::core_v1::PodTemplateSpec>();
  if (!a.metadata.labels.contains(label) && !b.metadata.labels.contains(label)) return api::equal(type, &a, &b);
  auto left = a;
  auto right = b;
  left.metadata.labels.erase(label);
  right.metadata.labels.erase(label);
  return api::equal(type, &left, &right);
}

}  // namespace pintle::controller::objects
