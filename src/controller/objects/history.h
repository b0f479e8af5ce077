// ControllerRevisions: the pod templates that a StatefulSet or DaemonSet has had, in upstream's form, so that kubectl
// rollout history and undo read them. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"
#include "apimachinery/selectors/label_selector.h"

namespace pintle::controller::objects {

using api::apps_v1::ControllerRevision;
using RevisionPtr = std::shared_ptr<const ControllerRevision>;

struct RevisionOwner {
  std::string kind;  // of apps/v1
  const api::meta_v1::ObjectMeta* metadata = nullptr;
  const api::core_v1::PodTemplateSpec* pod_template = nullptr;
  std::optional<int32_t> collisions;
  apimachinery::LabelSelector selector = apimachinery::LabelSelector::nothing();  // of revisions that nobody controls: it adopts them
};
// The revision of the owner's template, named NAME-HASH, with its hash under `hash_label`.
ControllerRevision make_revision(const RevisionOwner& owner, int64_t number, std::string_view hash_label);
// The template that a revision holds; nullopt: it holds none that can be read.
std::optional<api::core_v1::PodTemplateSpec> template_of(const ControllerRevision& revision);
// What a revision of the template has for data.
std::string data_of(const api::core_v1::PodTemplateSpec& pod_template);
bool holds_template(const ControllerRevision& revision, const api::core_v1::PodTemplateSpec& pod_template);
// By number, then by name.
void sort_by_number(std::vector<RevisionPtr>& revisions);
int64_t next_number(const std::vector<RevisionPtr>& revisions);

}  // namespace pintle::controller::objects
