#include "kubelet/server/attributes.h"

namespace pintle::kubelet::server {

namespace {

// "/pods" and "/pods/x" are below "/pods", "/podsy" is not.
bool below(std::string_view path, std::string_view root) { return path == root || (path.starts_with(root) && path[root.size()] == '/'); }

struct Rule {
  std::string_view root;
  std::string_view subresource;
  bool or_proxy = false;  // "proxy" allows it too
};
constexpr Rule rules[] = {
    {"/pods", "pods", true},
    {"/runningpods", "pods", true},
    {"/healthz", "healthz", true},
    {"/configz", "configz", true},
    {"/stats", "stats"},
    {"/metrics", "metrics"},
    {"/logs", "log"},
    {"/checkpoint", "checkpoint"},
    {"/statusz", "statusz"},
    {"/flagz", "configz"},
};

std::string_view verb_of(std::string_view method) {
  if (method == "GET") return "get";
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  return method == "DELETE" ? "delete" : "";
}

}  // namespace

RequestAttributes request_attributes(std::string_view method, std::string_view path) {
  RequestAttributes out;
  out.verb = verb_of(method);
  for (const Rule& rule : rules) {
    if (!below(path, rule.root)) continue;
    out.subresources.emplace_back(rule.subresource);
    if (rule.or_proxy) out.subresources.emplace_back("proxy");
    return out;
  }
  out.subresources.emplace_back("proxy");
  return out;
}

}  // namespace pintle::kubelet::server
