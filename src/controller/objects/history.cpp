#include "controller/objects/history.h"

#include <algorithm>

#include "api/codec.h"
#include "codec/json.h"
#include "controller/objects/hash.h"
#include "controller/objects/owner.h"

namespace pintle::controller::objects {

using api::core_v1::PodTemplateSpec;

// {"spec":{"template":{"$patch":"replace", ...}}}: applied to the owner, it brings the template back.
std::string data_of(const PodTemplateSpec& pod_template) {
  codec::Value patch;
  codec::Value value = api::to_value(api::type_of<PodTemplateSpec>(), &pod_template);
  value["$patch"] = codec::Value("replace");
  patch["spec"]["template"] = std::move(value);
  return codec::to_json(patch);
}

ControllerRevision make_revision(const RevisionOwner& owner, int64_t number, std::string_view hash_label) {
  ControllerRevision revision;
  revision.data.raw = data_of(*owner.pod_template);
  revision.revision = number;
  uint32_t hash = fnv1a_32(revision.data.raw);
  if (owner.collisions) hash = fnv1a_32(std::to_string(*owner.collisions), hash);
  const std::string text = safe_hash(hash);
  constexpr std::size_t name_bytes_max = 223;  // what upstream leaves of the owner's name
  revision.metadata.name = owner.metadata->name.substr(0, name_bytes_max) + "-" + text;
  revision.metadata.namespace_ = owner.metadata->namespace_;
  revision.metadata.labels = owner.pod_template->metadata.labels;
  revision.metadata.labels[hash_label] = text;
  revision.metadata.annotations = owner.metadata->annotations;
  revision.metadata.owner_references.push_back(rules::controller_reference("apps/v1", owner.kind, *owner.metadata));
  return revision;
}

std::optional<PodTemplateSpec> template_of(const ControllerRevision& revision) {
  auto value = codec::parse_json(revision.data.raw);
  if (!value) return std::nullopt;
  const codec::Value* spec = value->find("spec");
  const codec::Value* found = spec ? spec->find("template") : nullptr;
  if (found == nullptr) return std::nullopt;
  PodTemplateSpec out;
  if (!api::decode_value(*found, api::type_of<PodTemplateSpec>(), &out)) return std::nullopt;
  return out;
}

bool holds_template(const ControllerRevision& revision, const PodTemplateSpec& pod_template) {
  const auto held = template_of(revision);
  return held && api::equal(api::type_of<PodTemplateSpec>(), &*held, &pod_template);
}

void sort_by_number(std::vector<RevisionPtr>& revisions) {
  std::ranges::sort(revisions, [](const RevisionPtr& a, const RevisionPtr& b) {
    return a->revision != b->revision ? a->revision < b->revision : a->metadata.name < b->metadata.name;
  });
}

int64_t next_number(const std::vector<RevisionPtr>& revisions) {
  int64_t most = 0;
  for (const RevisionPtr& revision : revisions) most = std::max(most, revision->revision);
  return most + 1;
}

}  // namespace pintle::controller::objects
