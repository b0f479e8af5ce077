#include "apiserver/fairness/flow_schema.h"

#include <algorithm>
#include <tuple>

namespace pintle::apiserver::fairness {

namespace {

constexpr std::string_view all = "*";
constexpr std::string_view service_account_prefix = "system:serviceaccount:";

bool lists(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(), [value](const std::string& item) { return item == all || item == value; });
}

// "pods", "pods/log" or "*".
bool lists_resource(const std::vector<std::string>& list, const RequestInfo& info) {
  const std::string_view resource = info.resource, sub = info.subresource;
  return std::any_of(list.begin(), list.end(), [&](std::string_view item) {
    if (item == all) return true;
    if (!item.starts_with(resource)) return false;
    item.remove_prefix(resource.size());
    return sub.empty() ? item.empty() : item.starts_with('/') && item.substr(1) == sub;
  });
}

// A path, or with a star at its end everything that starts so.
bool lists_path(const std::vector<std::string>& list, std::string_view path) {
  return std::any_of(list.begin(), list.end(), [path](std::string_view item) {
    return item == all || item == path || (item.ends_with('*') && path.starts_with(item.substr(0, item.size() - 1)));
  });
}

bool matches_resources(const FlowRule::Resources& rule, const RequestInfo& info) {
  if (!lists(rule.verbs, info.verb) || !lists(rule.groups, info.group) || !lists_resource(rule.resources, info)) return false;
  return info.ns.empty() ? rule.cluster_scope : lists(rule.namespaces, info.ns);
}

FlowSubject compile_subject(const api::flowcontrol_v1::Subject& subject) {
  if (subject.kind == "ServiceAccount" && subject.service_account)
    return {FlowSubject::Kind::ServiceAccount, subject.service_account->namespace_, subject.service_account->name};
  if (subject.kind == "Group" && subject.group) return {FlowSubject::Kind::Group, "", subject.group->name};
  return {FlowSubject::Kind::User, "", subject.user ? subject.user->name : ""};
}

}  // namespace

bool FlowSubject::matches(const UserInfo& user) const {
  switch (kind) {
    case Kind::User: return name == all || name == user.name;
    case Kind::Group: return name == all || user.in_group(name);
    case Kind::ServiceAccount: break;
  }
  std::string_view left = user.name;
  if (!left.starts_with(service_account_prefix)) return false;
  left.remove_prefix(service_account_prefix.size());
  if (!left.starts_with(ns)) return false;
  left.remove_prefix(ns.size());
  return left.starts_with(':') && (name == all || left.substr(1) == name);
}

bool FlowRule::matches(const UserInfo& user, const RequestInfo& info) const {
  const auto named = [&](const FlowSubject& subject) { return subject.matches(user); };
  if (std::none_of(subjects.begin(), subjects.end(), named)) return false;
  if (info.is_resource) return std::any_of(resources.begin(), resources.end(), [&](const Resources& rule) { return matches_resources(rule, info); });
  return std::any_of(paths.begin(), paths.end(),
                     [&](const Paths& rule) { return lists(rule.verbs, info.verb) && lists_path(rule.paths, info.path); });
}

bool FlowSchema::matches(const UserInfo& user, const RequestInfo& info) const {
  return std::any_of(rules.begin(), rules.end(), [&](const FlowRule& rule) { return rule.matches(user, info); });
}

std::string_view FlowSchema::flow(const UserInfo& user, const RequestInfo& info) const {
  if (distinguisher == Distinguisher::User) return user.name;
  if (distinguisher == Distinguisher::Namespace) return info.ns;
  return {};
}

FlowSchema compile(const api::flowcontrol_v1::FlowSchema& object) {
  FlowSchema out;
  out.name = object.metadata.name;
  out.uid = object.metadata.uid;
  out.level = object.spec.priority_level_configuration.name;
  out.precedence = object.spec.matching_precedence;
  if (object.spec.distinguisher_method)
    out.distinguisher = object.spec.distinguisher_method->type == "ByUser" ? Distinguisher::User : Distinguisher::Namespace;
  for (const auto& from : object.spec.rules) {
    FlowRule rule;
    for (const auto& subject : from.subjects) rule.subjects.push_back(compile_subject(subject));
    for (const auto& item : from.resource_rules)
      rule.resources.push_back({item.verbs, item.api_groups, item.resources, item.namespaces, item.cluster_scope});
    for (const auto& item : from.non_resource_rules) rule.paths.push_back({item.verbs, item.non_resource_urls});
    out.rules.push_back(std::move(rule));
  }
  return out;
}

void sort_for_matching(std::vector<FlowSchema>& schemas) {
  std::sort(schemas.begin(), schemas.end(),
            [](const FlowSchema& a, const FlowSchema& b) { return std::tie(a.precedence, a.name) < std::tie(b.precedence, b.name); });
}

uint64_t hash_flow(uint64_t seed, std::string_view schema, std::string_view flow) {
  uint64_t hash = seed;
  const auto mix = [&hash](uint64_t value) {
    hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
    hash ^= hash >> 30;
    hash *= 0xbf58476d1ce4e5b9;
    hash ^= hash >> 27;
    hash *= 0x94d049bb133111eb;
    hash ^= hash >> 31;
  };
  for (const std::string_view part : {schema, flow}) {
    uint64_t word = 0;
    int bytes = 0;
    for (const char c : part) {
      word = word << 8 | static_cast<unsigned char>(c);
      if (++bytes % 8 == 0) mix(word), word = 0;
    }
    mix(word);
    mix(part.size());
  }
  return hash;
}

}  // namespace pintle::apiserver::fairness
