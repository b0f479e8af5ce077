// The Node authorizer: a kubelet reads what its own pods refer to, and writes its own node, lease, CSINode and the
// status of its pods. Creation by name is left to the NodeRestriction admission plugin, which sees the object.
#pragma once

#include "apiserver/authorization/authorizer.h"
#include "apiserver/authorization/node/pod_index.h"
#include "apiserver/types/resource_reader.h"

namespace pintle::apiserver::authorization::node {

class NodeAuthorizer : public Authorizer {
 public:
  // Both outlive this.
  NodeAuthorizer(const PodIndex& pods, const ResourceReader& reader) : pods_(pods), reader_(reader) {}
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes& attributes) override;
  UserRules rules_for(const UserInfo& user, const std::string& ns) override;

 private:
  AuthorizationResult judge(const std::string& node, const AuthorizationAttributes& a);
  AuthorizationResult core(const std::string& node, const AuthorizationAttributes& a);
  AuthorizationResult nodes(const std::string& node, const AuthorizationAttributes& a);
  AuthorizationResult pods(const std::string& node, const AuthorizationAttributes& a);
  AuthorizationResult service_accounts(const std::string& node, const AuthorizationAttributes& a);
  AuthorizationResult resource_slices(const std::string& node, const AuthorizationAttributes& a);
  bool related_secret(const std::string& node, const std::string& ns, const std::string& name) const;
  bool related_claim(const std::string& node, std::string_view ns, std::string_view name) const;
  bool related_volume(const std::string& node, const std::string& name) const;

  const PodIndex& pods_;
  const ResourceReader& reader_;
};

}  // namespace pintle::apiserver::authorization::node
