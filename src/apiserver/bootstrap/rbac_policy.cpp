#include "apiserver/bootstrap/rbac_policy.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace pintle::apiserver::bootstrap {
namespace {

using namespace api::rbac_v1;

constexpr std::string_view policy_text =
#include "apiserver/bootstrap/rbac_policy.inc"
#include "base/split.h"
    ;

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const auto start = line.find_first_not_of(' ');
    if (start == std::string_view::npos) return out;
    line.remove_prefix(start);
    const auto end = line.find(' ');
    out.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end);
  }
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view item : split(text, ',')) out.emplace_back(item == "core" ? std::string_view() : item);
  return out;
}

std::pair<std::string, std::string> split_name(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {{}, std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

class Parser {
 public:
  Result<RbacPolicy> parse(std::string_view text) {
    for (int number = 1; !text.empty(); ++number) {
      const auto end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      const auto words = words_of(line);
      if (words.empty()) continue;
      if (!(line.front() == ' ' ? detail(words) : head(words)))
        return bad_request("rbac policy, line " + std::to_string(number) + ": " + std::string(line));
    }
    return std::move(policy_);
  }

 private:
  bool head(const std::vector<std::string_view>& words) {
    rules_ = nullptr;
    subjects_ = nullptr;
    if (words.size() < 2) return false;
    if (words[0] == "ClusterRole") return head_of_role(policy_.cluster_roles.emplace_back(), words);
    if (words[0] == "Role") return head_of_role(policy_.roles.emplace_back(), words);
    if (words[0] == "ClusterRoleBinding") return head_of_binding(policy_.cluster_role_bindings.emplace_back(), words);
    if (words[0] == "RoleBinding") return head_of_binding(policy_.role_bindings.emplace_back(), words);
    return false;
  }
  static void fill(api::meta_v1::ObjectMeta& metadata, std::string_view name) {
    std::tie(metadata.namespace_, metadata.name) = split_name(name);
    metadata.labels["kubernetes.io/bootstrapping"] = "rbac-defaults";
    metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] = "true";
  }
  template <class T>
  bool head_of_role(T& role, const std::vector<std::string_view>& words) {
    fill(role.metadata, words[1]);
    for (std::size_t i = 2; i < words.size(); ++i) {
      std::string_view word = words[i];
      if (word.starts_with("label=")) {
        word.remove_prefix(6);
        const auto equals = word.find('=');
        if (equals == std::string_view::npos) return false;
        role.metadata.labels[word.substr(0, equals)] = word.substr(equals + 1);
      } else if (word.starts_with("aggregates=")) {
        if constexpr (requires { role.aggregation_rule; }) {
          auto& selectors = role.aggregation_rule.ensure().cluster_role_selectors;
          selectors.emplace_back().match_labels[word.substr(11)] = "true";
        } else {
          return false;
        }
      } else {
        return false;
      }
    }
    rules_ = &role.rules;
    return true;
  }
  template <class T>
  bool head_of_binding(T& binding, const std::vector<std::string_view>& words) {
    if (words.size() != 3 || !words[2].starts_with("role=")) return false;
    fill(binding.metadata, words[1]);
    std::tie(binding.role_ref.kind, binding.role_ref.name) = split_name(words[2].substr(5));
    binding.role_ref.api_group = rbac_group;
    subjects_ = &binding.subjects;
    return !binding.role_ref.kind.empty();
  }
  bool detail(const std::vector<std::string_view>& words) {
    if (rules_) return rule(words);
    return subjects_ && subject(words);
  }
  bool rule(const std::vector<std::string_view>& words) {
    if (words.size() < 3 || words.size() > 4) return false;
    PolicyRule rule;
    rule.verbs = list_of(words[0]);
    if (words[1] == "url") {
      rule.non_resource_urls = list_of(words[2]);
    } else {
      rule.api_groups = list_of(words[1]);
      rule.resources = list_of(words[2]);
      if (words.size() == 4) rule.resource_names = list_of(words[3]);
    }
    rules_->push_back(std::move(rule));
    return true;
  }
  bool subject(const std::vector<std::string_view>& words) {
    if (words.size() != 2) return false;
    Subject subject;
    subject.kind = words[0];
    if (words[0] == "ServiceAccount") {
      std::tie(subject.namespace_, subject.name) = split_name(words[1]);
    } else {
      subject.name = words[1];
      subject.api_group = rbac_group;
    }
    subjects_->push_back(std::move(subject));
    return words[0] == "ServiceAccount" || words[0] == "User" || words[0] == "Group";
  }

  RbacPolicy policy_;
  std::vector<PolicyRule>* rules_ = nullptr;  // of the role that is being read
  std::vector<Subject>* subjects_ = nullptr;  // of the binding that is being read
};

}  // namespace

Result<RbacPolicy> parse_rbac_policy(std::string_view text) { return Parser().parse(text); }

RbacPolicy default_rbac_policy() {
  auto policy = parse_rbac_policy(policy_text);
  CHECK(policy, policy.error().message);
  return std::move(*policy);
}

}  // namespace pintle::apiserver::bootstrap
