#include "apimachinery/openapi/paths.h"

#include <algorithm>

#include "api/gen/meta_v1.h"
#include "apimachinery/openapi/operations.h"
#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/schemas.h"
#include "base/check.h"

namespace pintle::apimachinery::openapi {
namespace {

using Produces = std::vector<std::string_view>;

const Produces object_types = {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
const Produces stream_types = {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json;stream=watch",
                               "application/vnd.kubernetes.protobuf;stream=watch"};
const Produces any_type = {"*/*"};
const Produces patch_types = {"application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
                              "application/apply-patch+yaml"};

// "rbac.authorization.k8s.io" -> "rbacAuthorization"; "" -> "core".
std::string group_word(std::string_view group) {
  if (group.empty()) return "core";
  if (group.ends_with(".k8s.io")) group.remove_suffix(7);
  std::string word;
  while (!group.empty()) {
    const std::size_t dot = std::min(group.find('.'), group.size());
    word += word.empty() ? std::string(group.substr(0, dot)) : capitalised(group.substr(0, dot));
    group.remove_prefix(std::min(dot + 1, group.size()));
  }
  return word;
}

const api::Type* type_of_kind(const api::GroupVersionKind& kind) {
  const api::KindInfo* info = api::find_kind(kind.group, kind.version, kind.kind);
  return info ? info->type : nullptr;
}

// Builds the paths of one group version.
class Builder {
 public:
  explicit Builder(const ServedGroupVersion& served)
      : served_(served),
        root_(served.group.empty() ? "/api/" + std::string(served.version)
                                   : "/apis/" + std::string(served.group) + "/" + std::string(served.version)),
        form_{group_word(served.group) + "_" + std::string(served.version), any_type, object_types},
        words_(capitalised(group_word(served.group)) + capitalised(served.version)) {}
  std::vector<PathItem> build();

 private:
  Operation operation(OperationWords words) const { return make_operation(form_, std::move(words)); }
  std::string id(std::string_view verb, std::string_view middle, std::string_view rest) const {
    return std::string(verb) + words_ + std::string(middle) + scope_ + std::string(rest);
  }
  void add(std::string path, std::vector<Operation> operations, bool with_name, bool with_namespace);
  void add_discovery();
  void add_collection(const ServedResource& resource);
  void add_object(const ServedResource& resource);
  void add_watches(const ServedResource& resource);
  void add_part(const ServedResource& resource, const ServedSubresource& part);
  void add_connect(const ServedResource& resource, const ServedSubresource& part, const api::Type& options, bool with_path);
  std::vector<Operation> write_operations(Verbs verbs, const api::GroupVersionKind& kind, std::string_view name, std::string_view of) const;

  const ServedGroupVersion& served_;
  std::string root_;
  OperationForm form_;
  std::string words_;  // "AppsV1"
  std::string scope_;  // "Namespaced" for the resource at hand
  std::string base_;   // its collection path
  std::vector<PathItem> paths_;
};

void Builder::add(std::string path, std::vector<Operation> operations, bool with_name, bool with_namespace) {
  if (operations.empty()) return;
  paths_.push_back(make_path(std::move(path), std::move(operations), with_name, with_namespace));
}

void Builder::add_discovery() {
  Operation op = operation({"get", "", "get" + words_ + "APIResources", "get available resources", {}});
  op.consumes = object_types;
  op.responses = {{"200", {&api::type_of<api::meta_v1::APIResourceList>()}}};
  PathItem item;
  item.path = root_ + "/";
  item.operations.push_back(std::move(op));
  paths_.push_back(std::move(item));
}

void Builder::add_collection(const ServedResource& resource) {
  const std::string kind(resource.kind);
  const api::GroupVersionKind gvk = resource.gvk();
  const Body object{type_of_kind(gvk)};
  const std::string list_kind = kind + "List";
  const Body list{type_of_kind({resource.group, resource.version, list_kind})};
  const auto list_operation = [&](std::string name) {
    Operation op = operation({"get", "list", std::move(name), "list or watch objects of kind " + kind, gvk});
    op.produces = stream_types;
    op.parameters = list_parameters(true);
    op.responses = {{"200", list}};
    return op;
  };
  if (resource.namespaced && resource.can(verb::list))
    add(root_ + "/" + std::string(resource.name), {list_operation("list" + words_ + kind + "ForAllNamespaces")}, false, false);
  std::vector<Operation> operations;
  if (resource.can(verb::list)) operations.push_back(list_operation(id("list", "", kind)));
  if (resource.can(verb::create)) operations.push_back(make_create(form_, {"post", "post", id("create", "", kind), "create " + kind, gvk}, object));
  if (resource.can(verb::deletecollection)) {
    Operation op = operation({"delete", "deletecollection", id("delete", "Collection", kind), "delete collection of " + kind, gvk});
    op.body = {&api::type_of<api::meta_v1::DeleteOptions>()};
    op.parameters = delete_collection_parameters();
    op.responses = {{"200", {&api::type_of<api::meta_v1::Status>()}}};
    operations.push_back(std::move(op));
  }
  add(base_, std::move(operations), false, resource.namespaced);
}

// get, put and patch of an object or of a part of it.
std::vector<Operation> Builder::write_operations(Verbs verbs, const api::GroupVersionKind& kind, std::string_view name, std::string_view of) const {
  const Body object{type_of_kind(kind)};
  std::vector<Operation> operations;
  if (verbs & verb::get) {
    Operation op = operation({"get", "get", id("read", "", name), "read " + std::string(of), kind});
    op.responses = {{"200", object}};
    operations.push_back(std::move(op));
  }
  if (verbs & verb::update)
    operations.push_back(make_replace(form_, {"put", "put", id("replace", "", name), "replace " + std::string(of), kind}, object));
  if (verbs & verb::patch) {
    Operation op = make_patch(form_, {"patch", "patch", id("patch", "", name), "partially update " + std::string(of), kind}, object, patch_types);
    op.responses.emplace_back("201", object);
    operations.push_back(std::move(op));
  }
  return operations;
}

void Builder::add_object(const ServedResource& resource) {
  const std::string kind(resource.kind);
  auto operations = write_operations(resource.verbs, resource.gvk(), kind, "the specified " + kind);
  if (resource.can(verb::delete_))
    operations.push_back(make_delete(form_, {"delete", "delete", id("delete", "", kind), "delete " + kind, resource.gvk()}));
  add(base_ + "/{name}", std::move(operations), true, resource.namespaced);
}

void Builder::add_watches(const ServedResource& resource) {
  if (!resource.can(verb::watch)) return;
  const std::string kind(resource.kind);
  const auto watch = [&](std::string_view action, std::string name) {
    Operation op = operation({"get", action, std::move(name), "deprecated: list with the watch parameter does the same", resource.gvk()});
    op.produces = stream_types;
    op.parameters = list_parameters(true);
    op.responses = {{"200", {&api::type_of<api::meta_v1::WatchEvent>()}}};
    return std::vector<Operation>{std::move(op)};
  };
  const std::string watch_root = root_ + "/watch";
  const std::string below = base_.substr(root_.size());
  if (resource.namespaced)
    add(watch_root + "/" + std::string(resource.name), watch("watchlist", "watch" + words_ + kind + "ListForAllNamespaces"), false, false);
  add(watch_root + below, watch("watchlist", id("watch", "", kind + "List")), false, resource.namespaced);
  add(watch_root + below + "/{name}", watch("watch", id("watch", "", kind)), true, resource.namespaced);
}

void Builder::add_connect(const ServedResource& resource, const ServedSubresource& part, const api::Type& options, bool with_path) {
  struct Method {
    std::string_view name;
    Verbs verb;
  };
  // What answers any method is listed with those that no verb stands for.
  static constexpr Method methods[] = {{"get", verb::get},         {"put", verb::update},   {"post", verb::create}, {"delete", verb::delete_},
                                       {"options", verb::delete_}, {"head", verb::delete_}, {"patch", verb::patch}};
  std::vector<Operation> operations;
  for (const Method& method : methods) {
    if (!(part.verbs & method.verb)) continue;
    std::string upper(method.name);
    std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c - 32); });
    const std::string rest = std::string(resource.kind) + capitalised(part.name) + (with_path ? "WithPath" : "");
    Operation op = operation({method.name, "connect", id("connect", capitalised(method.name), rest),
                              "connect " + upper + " requests to " + std::string(part.name) + " of " + std::string(resource.kind),
                              resource.subresource_gvk(part)});
    op.produces = any_type;
    op.responses = {{"200", {}}};
    operations.push_back(std::move(op));
  }
  const std::string path = base_ + "/{name}/" + std::string(part.name) + (with_path ? "/{path}" : "");
  add(path, std::move(operations), true, resource.namespaced);
  auto& parameters = paths_.back().parameters;
  parameters.pop_back();  // no JSON, nothing to indent
  if (with_path) parameters.push_back({"path", "string", "The path at the other end.", true});
  for (Parameter& parameter : option_parameters(options)) parameters.push_back(std::move(parameter));
}

void Builder::add_part(const ServedResource& resource, const ServedSubresource& part) {
  const std::string kind(resource.kind);
  const std::string name = kind + capitalised(part.name);
  const api::GroupVersionKind gvk = resource.subresource_gvk(part);
  if (part.kind.ends_with("Options")) {
    const api::Type* options = type_of_kind(gvk);
    CHECK(options != nullptr, "the schema has the options of every connecting subresource");
    add_connect(resource, part, *options, false);
    if (part.name == "proxy") add_connect(resource, part, *options, true);
    return;
  }
  const std::string path = base_ + "/{name}/" + std::string(part.name);
  if (part.name == "log") {
    Operation op = operation({"get", "get", id("read", "", name), "read log of the specified Pod", gvk});
    op.produces = {"text/plain", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
    op.responses = {{"200", {}}};
    op.parameters = option_parameters(*type_of_kind({"", "v1", "PodLogOptions"}));
    add(path, {std::move(op)}, true, true);
    return;
  }
  auto operations = write_operations(part.verbs, gvk, name, std::string(part.name) + " of the specified " + kind);
  if (part.verbs & verb::create) {
    const Body body{type_of_kind(gvk)};
    operations.push_back(make_create(form_, {"post", "post", id("create", "", name), "create " + std::string(part.name) + " of " + kind, gvk}, body));
  }
  add(path, std::move(operations), true, resource.namespaced);
}

std::vector<PathItem> Builder::build() {
  add_discovery();
  for (const ServedResource& resource : served_.resources) {
    scope_ = resource.namespaced ? "Namespaced" : "";
    base_ = root_ + (resource.namespaced ? "/namespaces/{namespace}/" : "/") + std::string(resource.name);
    add_collection(resource);
    add_object(resource);
    add_watches(resource);
    for (const ServedSubresource& part : resource.subresources) add_part(resource, part);
  }
  std::ranges::sort(paths_, {}, &PathItem::path);
  return std::move(paths_);
}

PathItem meta_path(std::string path, std::string id, std::string tag, std::string description, Body answer, const Produces& produces) {
  Operation op;
  op.method = "get";
  op.id = std::move(id);
  op.tag = std::move(tag);
  op.description = std::move(description);
  op.produces = produces;
  op.consumes = produces;
  op.responses = {{"200", answer}};
  PathItem item;
  item.path = std::move(path);
  item.operations.push_back(std::move(op));
  return item;
}

}  // namespace

std::vector<PathItem> paths_of(const ServedGroupVersion& served) { return Builder(served).build(); }

std::vector<PathItem> meta_paths(std::span<const ServedGroupVersion> group_versions) {
  std::vector<PathItem> paths;
  const Produces json = {"application/json"};
  paths.push_back(meta_path("/.well-known/openid-configuration/", "getServiceAccountIssuerOpenIDConfiguration", "WellKnown",
                            "get the OpenID configuration of the issuer of service account tokens", {}, json));
  paths.push_back(
      meta_path("/api/", "getCoreAPIVersions", "core", "get available API versions", {&api::type_of<api::meta_v1::APIVersions>()}, object_types));
  paths.push_back(
      meta_path("/apis/", "getAPIVersions", "apis", "get available API versions", {&api::type_of<api::meta_v1::APIGroupList>()}, object_types));
  std::string_view last;
  for (const ServedGroupVersion& served : group_versions) {
    if (served.group.empty() || served.group == last) continue;
    last = served.group;
    const std::string word = group_word(served.group);
    paths.push_back(meta_path("/apis/" + std::string(served.group) + "/", "get" + capitalised(word) + "APIGroup", word, "get information of a group",
                              {&api::type_of<api::meta_v1::APIGroup>()}, object_types));
  }
  paths.push_back(meta_path("/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset", "openid", "get the keys that verify service account tokens",
                            {}, {"application/jwk-set+json"}));
  paths.push_back(meta_path("/version/", "getCodeVersion", "version", "get the version information for this server",
                            {nullptr, std::string(version_info_name), false}, json));
  std::ranges::sort(paths, {}, &PathItem::path);
  return paths;
}

void add_mentioned(const std::vector<PathItem>& paths, std::vector<const api::Type*>& types) {
  for (const PathItem& item : paths)
    for (const Operation& op : item.operations) {
      if (op.body.type != nullptr) types.push_back(op.body.type);
      for (const auto& [code, body] : op.responses)
        if (body.type != nullptr) types.push_back(body.type);
    }
}

}  // namespace pintle::apimachinery::openapi
