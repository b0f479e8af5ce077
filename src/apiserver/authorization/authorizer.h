// May they. Authorizers are asked in order; the first with an opinion decides; none: denied.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/types/user_info.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver {
struct RequestInfo;
}  // namespace pintle::apiserver

namespace pintle::apiserver::authorization {

struct AuthorizationAttributes {
  UserInfo user;
  bool is_resource = true;
  std::string verb;
  std::string group;
  std::string version;
  std::string ns;
  std::string resource;
  std::string subresource;
  std::string name;
  std::string path;  // of a non-resource request
  std::string label_selector;
  std::string field_selector;
};
AuthorizationAttributes make_attributes(const UserInfo& user, const RequestInfo& info);

enum class Decision : uint8_t { NoOpinion, Allow, Deny };
struct AuthorizationResult {
  Decision decision = Decision::NoOpinion;
  std::string reason;
  std::string evaluation_error;
};

struct ResourceRule {
  std::vector<std::string> verbs, groups, resources, names;
};
struct NonResourceRule {
  std::vector<std::string> verbs, paths;
};
struct UserRules {
  std::vector<ResourceRule> resource_rules;
  std::vector<NonResourceRule> non_resource_rules;
  bool incomplete = false;
  std::string evaluation_error;
};

// Thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // The answer of an authorizer that never waits; nullopt: this one must be asked through authorize().
  virtual std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes& attributes) = 0;
  // Answers authorize_now()'s answer; an authorizer that waits overrides it. `attributes` outlive the task.
  virtual rt::Task<AuthorizationResult> authorize(rt::Context ctx, const AuthorizationAttributes& attributes);
  // What SelfSubjectRulesReview lists.
  virtual UserRules rules_for(const UserInfo& user, const std::string& ns) = 0;
};

// The answer to a denied request: 403 in upstream's form, `User "jane" cannot get resource "pods" ...`.
Status forbidden(const AuthorizationAttributes& attributes, std::string_view reason);

}  // namespace pintle::apiserver::authorization
