#include "controller/clusterrole_aggregation/controller.h"

#include <algorithm>
#include <unordered_set>

#include "api/codec.h"
#include "api/gen/rbac_v1.h"
#include "apimachinery/selectors/label_selector.h"
#include "client/work_queue.h"

namespace pintle::controller::clusterrole_aggregation {

using api::rbac_v1::ClusterRole;
using api::rbac_v1::PolicyRule;
using RolePtr = std::shared_ptr<const ClusterRole>;

namespace {

bool same_rule(const PolicyRule& a, const PolicyRule& b) { return api::equal(api::type_of<PolicyRule>(), &a, &b); }

class AggregationController final : public Controller {
 public:
  explicit AggregationController(ControllerDeps deps)
      : deps_(deps),
        roles_(deps.informers.of<ClusterRole>()),
        loop_(deps.loop("ClusterRoleAggregator"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    roles_.add_index("aggregated",
                     [](const ClusterRole& role) { return role.aggregation_rule ? std::vector<std::string>{"yes"} : std::vector<std::string>(); });
    roles_.on_any([this](const ClusterRole&) {
      for (const RolePtr& role : roles_.by_index("aggregated", "yes")) loop_.queue().add(role->metadata.name);
    });
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  Result<std::vector<PolicyRule>> gather(const ClusterRole& role) const;

  ControllerDeps deps_;
  client::Informer<ClusterRole> roles_;
  client::ControlLoop loop_;
};

// In the order of the selectors, then of the names; equal rules once.
Result<std::vector<PolicyRule>> AggregationController::gather(const ClusterRole& role) const {
  std::vector<PolicyRule> rules;
  std::unordered_set<std::string> seen;  // as JSON: comparing each with each takes too long for thousands
  for (const auto& wanted : role.aggregation_rule->cluster_role_selectors) {
    TRY_ASSIGN(const auto selector, apimachinery::to_label_selector(&wanted));
    for (const RolePtr& other : roles_.list()) {
      if (other->metadata.name == role.metadata.name || !selector.matches(other->metadata.labels)) continue;
      for (const PolicyRule& rule : other->rules) {
        std::string text;
        api::encode_json(api::type_of<PolicyRule>(), &rule, text);
        if (seen.insert(std::move(text)).second) rules.push_back(rule);
      }
    }
  }
  return rules;
}

rt::Task<Result<Unit>> AggregationController::sync(rt::Context ctx, std::string key) {
  const RolePtr role = roles_.get(key);
  if (role == nullptr || !role->aggregation_rule) co_return Unit{};
  auto rules = gather(*role);
  if (!rules) co_return Unexpected(std::move(rules).error());
  if (std::ranges::equal(*rules, role->rules, same_rule)) co_return Unit{};
  ClusterRole copy = *role;
  copy.rules = std::move(*rules);
  auto done = co_await deps_.client.update<ClusterRole>(std::move(ctx), std::move(copy));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_clusterrole_aggregation_controller(ControllerDeps deps) {
  return std::make_unique<AggregationController>(std::move(deps));
}

}  // namespace pintle::controller::clusterrole_aggregation
