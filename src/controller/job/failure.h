// What a failed pod means to its Job: the pod failure policy, and how long to wait before the next one. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/batch_v1.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::job {

using api::batch_v1::Job;

enum class FailureAction { Count, Ignore, FailIndex, FailJob };
// As podFailurePolicy names it.
std::string_view action_name(FailureAction action);
struct FailureVerdict {
  FailureAction action = FailureAction::Count;
  std::string message;  // of the rule that matched; "": none did
};
FailureVerdict judge_failure(const Job& job, const api::core_v1::Pod& pod);

// A replacement waits for the failed pod to end wholly; one that is merely told to go is no failure yet.
bool replaces_failed_only(const Job& job);
// Whether the pod counts as failed: its phase, or that it was told to go and will never say.
bool is_failed(const Job& job, const api::core_v1::Pod& pod);

// When the pod ended.
rt::WallTime finish_time(const api::core_v1::Pod& pod, rt::WallTime now);

inline constexpr rt::Duration backoff_initial = std::chrono::seconds(10);
inline constexpr rt::Duration backoff_max = std::chrono::minutes(10);
// How long new pods wait after the failures among `finished` since the last success; nullopt: not at all.
std::optional<rt::Duration> backoff_left(const Job& job, const std::vector<pods::PodPtr>& finished, rt::WallTime now);

}  // namespace pintle::controller::job
