#include "apiserver/fairness/keeper.h"

#include <fmt/format.h>

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "component/log.h"

namespace pintle::apiserver::fairness {

namespace {

namespace objects = api::flowcontrol_v1;
constexpr std::string_view dangling_type = "Dangling";

Result<Unit> set_condition(objects::FlowSchema& schema, const Fairness::Upkeep::Dangling& wanted, rt::WallTime now) {
  if (schema.spec.priority_level_configuration.name != wanted.level) return Unit{};  // changed since; the next round knows
  auto& conditions = schema.status.conditions;
  auto found = std::find_if(conditions.begin(), conditions.end(), [](const auto& condition) { return condition.type == dangling_type; });
  if (found == conditions.end()) {
    conditions.emplace_back().type = dangling_type;
    found = conditions.end() - 1;
  }
  const std::string_view status = wanted.dangling ? "True" : "False";
  if (found->status != status) found->last_transition_time = apimachinery::to_api_time(now);
  found->status = status;
  found->reason = wanted.dangling ? "NotFound" : "Found";
  found->message = fmt::format("This FlowSchema references the PriorityLevelConfiguration object named \"{}\" {}", wanted.level,
                               wanted.dangling ? "but there is no such object" : "and it exists");
  return Unit{};
}

}  // namespace

Keeper::Keeper(Fairness& fairness, registry::InstalledRegistry& registry) : fairness_(fairness), registry_(registry) {}

void Keeper::start() {
  changed_->set();
  fairness_.on_upkeep([changed = changed_] { changed->set(); });
  tasks_.spawn(run());
}

rt::Task<void> Keeper::close() {
  fairness_.on_upkeep(nullptr);
  co_await tasks_.close();
}

rt::Task<void> Keeper::run() {
  const rt::Context ctx = tasks_.context();
  while (true) {
    auto woken = co_await changed_->wait(ctx);
    if (!woken) co_return;
    changed_->reset();
    const Fairness::Upkeep upkeep = fairness_.upkeep();
    if (upkeep.dangling.empty()) continue;
    rt::TaskGroup writes;  // together: one commit
    for (const auto& wanted : upkeep.dangling) writes.spawn(write(ctx, wanted));
    co_await writes.join();
    auto slept = co_await rt::sleep_for(ctx, upkeep_pause);
    if (!slept) co_return;
    changed_->set();  // a write may have failed
  }
}

rt::Task<void> Keeper::write(rt::Context ctx, Fairness::Upkeep::Dangling wanted) {
  RequestScope scope = registry_.own_scope(ctx);
  const GroupResource resource{"flowcontrol.apiserver.k8s.io", "flowschemas"};
  const std::string name = wanted.schema;
  Mutation mutation = [wanted, now = scope.now](api::Object& object) { return set_condition(object.as<objects::FlowSchema>(), wanted, now); };
  auto done = co_await registry_.update(scope, resource, "", name, "status", std::move(mutation));
  if (!done && done.error().reason != Reason::NotFound && !ctx.done())
    component::log::error("The condition of FlowSchema " + name + " could not be written", done.error());
}

}  // namespace pintle::apiserver::fairness
