#include "controller/pods/pod_disruption.h"

#include "controller/objects/json_text.h"
#include "controller/objects/time.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::controller::pods {

using api::core_v1::Pod;

namespace {

rt::Task<Result<Unit>> patch_status(client::Client& client, rt::Context ctx, PodPtr pod, std::string body) {
  client::PatchOptions options;
  options.subresource = "status";
  auto done = co_await client.patch<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, client::PatchType::Strategic, std::move(body),
                                         std::move(options));
  if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

std::string head_of(const Pod& pod) { return R"({"metadata":{"uid":)" + objects::json_string(pod.metadata.uid) + R"(},"status":{)"; }

}  // namespace

rt::Task<Result<Unit>> mark_failed(client::Client& client, rt::Context ctx, PodPtr pod) {
  if (rules::is_terminal(*pod)) co_return Unit{};
  std::string body = head_of(*pod) + R"("phase":"Failed"}})";
  co_return co_await patch_status(client, std::move(ctx), std::move(pod), std::move(body));
}

rt::Task<Result<Unit>> mark_disrupted(client::Client& client, rt::Context ctx, PodPtr pod, Disruption disruption, rt::WallTime now) {
  const auto* there = rules::find_condition(pod->status.conditions, "DisruptionTarget");
  if (there != nullptr && there->status == "True" && there->reason == disruption.reason && (!disruption.fail || rules::is_terminal(*pod)))
    co_return Unit{};
  std::string body = head_of(*pod);
  if (disruption.fail && !rules::is_terminal(*pod)) body += R"("phase":"Failed",)";
  body += R"("conditions":[{"type":"DisruptionTarget","status":"True","observedGeneration":)" + std::to_string(pod->metadata.generation) +
          R"(,"reason":)" + objects::json_string(disruption.reason) + R"(,"message":)" + objects::json_string(disruption.message) +
          R"(,"lastTransitionTime":")" + api::format_time(apimachinery::to_api_time(now)) + R"("}]}})";
  co_return co_await patch_status(client, std::move(ctx), std::move(pod), std::move(body));
}

rt::Task<Result<Unit>> mark_undisrupted(client::Client& client, rt::Context ctx, PodPtr pod, rt::WallTime now) {
  std::string body = head_of(*pod) + R"("conditions":[{"type":"DisruptionTarget","status":"False","observedGeneration":)" +
                     std::to_string(pod->metadata.generation) + R"(,"reason":null,"message":null,"lastTransitionTime":")" +
                     api::format_time(apimachinery::to_api_time(now)) + R"("}]}})";
  co_return co_await patch_status(client, std::move(ctx), std::move(pod), std::move(body));
}

}  // namespace pintle::controller::pods
