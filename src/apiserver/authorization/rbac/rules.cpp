#include "apiserver/authorization/rbac/rules.h"

#include <algorithm>

#include "codec/json_text.h"

namespace pintle::apiserver::authorization::rbac {
namespace {

bool has(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return item == value; });
}
bool has_or_all(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return item == value || item == "*"; });
}

// "*/scale" stands for the subresource of every resource.
bool is_any_resource_with(std::string_view item, std::string_view subresource) {
  return item.size() == subresource.size() + 2 && item.starts_with("*/") && item.ends_with(subresource);
}

bool resource_matches(const Rule& rule, std::string_view combined, std::string_view subresource) {
  return std::any_of(rule.resources.begin(), rule.resources.end(), [&](const std::string& item) {
    return item == "*" || item == combined || (!subresource.empty() && is_any_resource_with(item, subresource));
  });
}

bool url_matches(const Rule& rule, std::string_view path) {
  return std::any_of(rule.urls.begin(), rule.urls.end(), [&](const std::string& url) { return url_covers(url, path); });
}

void append_list(std::string_view label, const std::vector<std::string>& values, std::string& out) {
  if (values.empty()) return;
  if (out.size() > 1) out += ", ";
  out.append(label).append(":[");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    out += codec::go_quote(values[i]);
  }
  out += ']';
}

}  // namespace

bool url_covers(std::string_view held, std::string_view wanted) {
  if (held == wanted) return true;
  if (!held.ends_with('*')) return false;
  while (held.ends_with('*')) held.remove_suffix(1);
  return wanted.starts_with(held);
}

std::size_t Rule::bytes() const {
  std::size_t bytes = 0;
  for (const auto* list : {&verbs, &groups, &resources, &names, &urls})
    for (const std::string& value : *list) bytes += value.size() + 3;
  return bytes;
}

RuleQuery::RuleQuery(const AuthorizationAttributes& a)
    : is_resource(a.is_resource), verb(a.verb), group(a.group), subresource(a.subresource), name(a.name), path(a.path), combined(a.resource) {
  if (!a.subresource.empty()) combined.append("/").append(a.subresource);
}

bool allows(const Rule& rule, const RuleQuery& query) {
  if (!has_or_all(rule.verbs, query.verb)) return false;
  if (!query.is_resource) return url_matches(rule, query.path);
  return has_or_all(rule.groups, query.group) && resource_matches(rule, query.combined, query.subresource) &&
         (rule.names.empty() || has(rule.names, query.name));
}

bool allows(std::span<const Rule> rules, const RuleQuery& query) {
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) { return allows(rule, query); });
}

std::string describe(const Rule& rule) {
  std::string out = "{";
  append_list("APIGroups", rule.groups, out);
  append_list("Resources", rule.resources, out);
  append_list("ResourceNames", rule.names, out);
  append_list("NonResourceURLs", rule.urls, out);
  append_list("Verbs", rule.verbs, out);
  return out + "}";
}

}  // namespace pintle::apiserver::authorization::rbac
