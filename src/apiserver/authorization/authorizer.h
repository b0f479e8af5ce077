// May they. Authorizers are asked in order; the first with an opinion decides; none: denied.
#pragma once

#include <string>
#include <vector>

#include "apiserver/authentication/authenticator.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver {

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
  std::string path;             // of a non-resource request
  std::string label_selector;
  std::string field_selector;
};

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

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual rt::Task<AuthorizationResult> authorize(rt::Context ctx, const AuthorizationAttributes& attributes) = 0;
  // What SelfSubjectRulesReview lists.
  virtual UserRules rules_for(const UserInfo& user, const std::string& ns) = 0;
};

}  // namespace pintle::apiserver
