// The paths of a kind that a definition brought: those of a built-in one but for watches by path, protobuf and strategic patches.
#include <algorithm>

#include "api/gen/autoscaling_v1.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/openapi/operations.h"
#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/paths.h"
#include "apimachinery/openapi/schemas.h"

namespace pintle::apimachinery::openapi {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

// "stable.my-app.com" -> "stableMyAppCom".
std::string camel(std::string_view text) {
  std::string out;
  bool next_upper = false;
  for (const char c : text) {
    if (c == '.' || c == '-') {
      next_upper = !out.empty();
    } else {
      out += next_upper ? upper(c) : c;
      next_upper = false;
    }
  }
  return out;
}

std::string with_article(std::string_view noun) {
  if (noun.ends_with('s') && !noun.ends_with("ss")) return " " + std::string(noun);
  return (std::string_view("aeiouAEIOU").contains(noun.substr(0, 1)) ? " an " : " a ") + std::string(noun);
}

std::string_view without_k8s_io(std::string_view group) { return group.ends_with(".k8s.io") ? group.substr(0, group.size() - 7) : group; }

class Builder {
 public:
  explicit Builder(const CustomPaths& custom)
      : custom_(custom),
        kind_(custom.kind),
        root_("/apis/" + std::string(custom.group) + "/" + std::string(custom.version)),
        base_(root_ + (custom.namespaced ? "/namespaces/{namespace}/" : "/") + std::string(custom.plural)),
        form_{camel(without_k8s_io(custom.group)) + "_" + camel(custom.version),
              {"application/json", "application/yaml"},
              {"application/json", "application/yaml"}},
        words_(capitalised(camel(without_k8s_io(custom.group))) + capitalised(camel(custom.version))),
        scope_(custom.namespaced ? "Namespaced" : "") {}

  std::vector<PathItem> build() {
    if (custom_.namespaced) add(root_ + "/" + std::string(custom_.plural), {list("list" + words_ + kind_ + "ForAllNamespaces")}, false, false);
    add_collection();
    add_object();
    if (custom_.status) add_part("status", named(custom_.definition));
    if (custom_.scale) add_part("scale", {&api::type_of<api::autoscaling_v1::Scale>()});
    std::ranges::sort(paths_, {}, &PathItem::path);
    return std::move(paths_);
  }

 private:
  static Body named(const std::string& definition) { return {nullptr, definition}; }
  static Body status() { return {&api::type_of<api::meta_v1::Status>()}; }
  std::string id(std::string_view verb, std::string_view rest) const { return std::string(verb) + words_ + scope_ + std::string(rest); }

  OperationWords words(std::string_view method, std::string_view action, std::string id, std::string description) const {
    return {method, action, std::move(id), std::move(description), {custom_.group, custom_.version, custom_.kind}};
  }
  Operation operation(OperationWords words, Body answer) const {
    Operation op = make_operation(form_, std::move(words));
    op.responses.emplace_back("200", std::move(answer));
    return op;
  }
  Operation list(std::string id) const {
    Operation op = operation(words("get", "list", std::move(id), "list objects of kind " + kind_), named(custom_.list_definition));
    op.parameters = list_parameters(true);
    return op;
  }

  void add(std::string path, std::vector<Operation> operations, bool with_name, bool with_namespace) {
    paths_.push_back(make_path(std::move(path), std::move(operations), with_name, with_namespace));
  }

  void add_collection() {
    const Body object = named(custom_.definition);
    Operation create = make_create(form_, words("post", "post", id("create", kind_), "create" + with_article(kind_)), object);
    Operation remove =
        operation(words("delete", "deletecollection", "delete" + words_ + "Collection" + scope_ + kind_, "delete collection of " + kind_), status());
    remove.parameters = list_parameters(true);
    add(base_, {list(id("list", kind_)), std::move(create), std::move(remove)}, false, custom_.namespaced);
  }

  // get, put and patch of an object or of a part of it.
  std::vector<Operation> writes(std::string_view part, const Body& object) const {
    const std::string name = kind_ + capitalised(part);
    const std::string of = (part.empty() ? "" : std::string(part) + " of ") + "the specified " + kind_;
    Operation read = operation(words("get", "get", id("read", name), "read " + of), object);
    read.parameters = read_parameters();
    Operation replace = make_replace(form_, words("put", "put", id("replace", name), "replace " + of), object);
    Operation patch = make_patch(form_, words("patch", "patch", id("patch", name), "partially update " + of), object,
                                 {"application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"});
    return {std::move(read), std::move(replace), std::move(patch)};
  }

  void add_object() {
    auto operations = writes("", named(custom_.definition));
    operations.push_back(make_delete(form_, words("delete", "delete", id("delete", kind_), "delete" + with_article(kind_))));
    add(base_ + "/{name}", std::move(operations), true, custom_.namespaced);
  }
  void add_part(std::string_view part, const Body& object) {
    add(base_ + "/{name}/" + std::string(part), writes(part, object), true, custom_.namespaced);
  }

  const CustomPaths& custom_;
  const std::string kind_, root_, base_;
  const OperationForm form_;
  const std::string words_, scope_;
  std::vector<PathItem> paths_;
};

}  // namespace

std::vector<PathItem> paths_of(const CustomPaths& custom) { return Builder(custom).build(); }

}  // namespace pintle::apimachinery::openapi
