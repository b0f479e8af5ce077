// The pods of a Job: as they are made, and as they are let go.
#include "controller/job/plan.h"
#include "controller/objects/json_text.h"
#include "controller/pods/pod_control.h"

namespace pintle::controller::job {

using api::core_v1::Pod;

namespace {

constexpr std::size_t generated_suffix_bytes = 6;  // "-" and five drawn letters
constexpr std::size_t pod_name_bytes_max = 63;     // of a pod with an index: it is its host name too

template <class C>
void add_index_variable(C& container) {
  constexpr std::string_view name = "JOB_COMPLETION_INDEX";
  for (const auto& variable : container.env)
    if (variable.name == name) return;
  api::core_v1::EnvVar variable;
  variable.name = name;
  variable.value_from.ensure().field_ref.ensure().field_path = "metadata.labels['" + std::string(index_annotation) + "']";
  container.env.push_back(std::move(variable));
}

}  // namespace

Pod make_pod(const Job& job, const NewPod& wanted) {
  Pod pod = pods::pod_from_template(job.spec.template_, pods::Workload{"batch/v1", "Job", &job.metadata});
  if (!has_tracking_finalizer(pod)) pod.metadata.finalizers.emplace_back(tracking_finalizer);
  if (!wanted.index) return pod;
  const std::string index = std::to_string(*wanted.index);
  for (auto& container : pod.spec.init_containers) add_index_variable(container);
  for (auto& container : pod.spec.containers) add_index_variable(container);
  pod.metadata.annotations[index_annotation] = index;
  pod.metadata.labels[index_annotation] = index;
  pod.spec.hostname = job.metadata.name + "-" + index;
  const std::string suffix = "-" + index + "-";
  pod.metadata.generate_name = job.metadata.name.substr(0, pod_name_bytes_max - generated_suffix_bytes + 1 - suffix.size()) + suffix;
  if (job.spec.backoff_limit_per_index) {
    pod.metadata.annotations[index_failure_count_annotation] = std::to_string(wanted.failures);
    if (wanted.ignored_failures > 0) pod.metadata.annotations[index_ignored_failure_count_annotation] = std::to_string(wanted.ignored_failures);
  }
  return pod;
}

std::string release_patch_for(const Pod& pod) {
  return R"({"metadata":{"uid":)" + objects::json_string(pod.metadata.uid) + R"(,"$deleteFromPrimitiveList/finalizers":[)" +
         objects::json_string(tracking_finalizer) + "]}}";
}

}  // namespace pintle::controller::job
