#include "apiserver/authorization/chain.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/authorization/node/node_authorizer.h"
#include "apiserver/authorization/rbac/rbac_authorizer.h"

namespace pintle::apiserver::authorization {
namespace {

constexpr std::string_view modes_known[] = {"AlwaysAllow", "AlwaysDeny", "Node", "RBAC"};

class MastersAuthorizer : public Authorizer {
 public:
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes& attributes) override {
    AuthorizationResult result;
    if (attributes.user.in_group(group_masters)) result.decision = Decision::Allow;
    return result;
  }
  UserRules rules_for(const UserInfo&, const std::string&) override { return {}; }
};

class AlwaysAllowAuthorizer : public Authorizer {
 public:
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes&) override { return AuthorizationResult{Decision::Allow, {}, {}}; }
  UserRules rules_for(const UserInfo&, const std::string&) override {
    UserRules out;
    out.resource_rules.push_back({{"*"}, {"*"}, {"*"}, {}});
    out.non_resource_rules.push_back({{"*"}, {"*"}});
    return out;
  }
};

class AlwaysDenyAuthorizer : public Authorizer {
 public:
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes&) override {
    return AuthorizationResult{Decision::NoOpinion, "Everything is forbidden.", {}};
  }
  UserRules rules_for(const UserInfo&, const std::string&) override { return {}; }
};

// Adds what one member said; true: it decided.
bool absorb(AuthorizationResult&& said, AuthorizationResult& all) {
  if (said.decision != Decision::NoOpinion) {
    all = std::move(said);
    return true;
  }
  const auto join = [](std::string& into, const std::string& more, const char* separator) {
    if (more.empty()) return;
    if (!into.empty()) into += separator;
    into += more;
  };
  join(all.reason, said.reason, "\n");
  join(all.evaluation_error, said.evaluation_error, ", ");
  return false;
}

}  // namespace

std::optional<AuthorizationResult> UnionAuthorizer::authorize_now(const AuthorizationAttributes& attributes) {
  AuthorizationResult all;
  for (const auto& member : members_) {
    auto said = member->authorize_now(attributes);
    if (!said) return std::nullopt;
    if (absorb(std::move(*said), all)) break;
  }
  return all;
}

rt::Task<AuthorizationResult> UnionAuthorizer::authorize(rt::Context ctx, const AuthorizationAttributes& attributes) {
  AuthorizationResult all;
  for (const auto& member : members_) {
    auto said = member->authorize_now(attributes);
    if (!said) said = co_await member->authorize(ctx, attributes);
    if (absorb(std::move(*said), all)) break;
  }
  co_return all;
}

UserRules UnionAuthorizer::rules_for(const UserInfo& user, const std::string& ns) {
  UserRules all;
  for (const auto& member : members_) {
    UserRules rules = member->rules_for(user, ns);
    std::move(rules.resource_rules.begin(), rules.resource_rules.end(), std::back_inserter(all.resource_rules));
    std::move(rules.non_resource_rules.begin(), rules.non_resource_rules.end(), std::back_inserter(all.non_resource_rules));
    all.incomplete = all.incomplete || rules.incomplete;
    if (rules.evaluation_error.empty()) continue;
    if (!all.evaluation_error.empty()) all.evaluation_error += ", ";
    all.evaluation_error += rules.evaluation_error;
  }
  return all;
}

Result<Unit> check_authorization_modes(const std::vector<std::string>& modes) {
  if (modes.empty()) return bad_request("--authorization-mode: at least one mode must be named");
  for (auto it = modes.begin(); it != modes.end(); ++it) {
    if (std::find(std::begin(modes_known), std::end(modes_known), *it) == std::end(modes_known))
      return bad_request(fmt::format("--authorization-mode: \"{}\" is not a mode of this server; it has {}", *it, fmt::join(modes_known, ", ")));
    if (std::find(modes.begin(), it, *it) != it) return bad_request(fmt::format("--authorization-mode: \"{}\" is named twice", *it));
  }
  return Unit{};
}

Authorization::Authorization(const std::vector<std::string>& modes, ResourceReader& reader) : reader_(reader) {
  std::vector<std::unique_ptr<Authorizer>> members;
  members.push_back(std::make_unique<MastersAuthorizer>());
  for (const auto& mode : modes) {
    if (mode == "AlwaysAllow") members.push_back(std::make_unique<AlwaysAllowAuthorizer>());
    if (mode == "AlwaysDeny") members.push_back(std::make_unique<AlwaysDenyAuthorizer>());
    if (mode == "RBAC") members.push_back(std::make_unique<rbac::RbacAuthorizer>(rbac_index_));
    if (mode != "Node") continue;
    pod_index_ = std::make_unique<node::PodIndex>(reader);
    members.push_back(std::make_unique<node::NodeAuthorizer>(*pod_index_, reader));
  }
  authorizer_ = std::make_unique<UnionAuthorizer>(std::move(members));
}

void Authorization::start() {
  rbac::feed(rbac_index_, reader_);
  if (pod_index_) reader_.subscribe(GroupResource{"", "pods"}, [pods = pod_index_.get()](const storage::CacheEvent& event) { pods->apply(event); });
}

}  // namespace pintle::apiserver::authorization
