#include "apiserver/admission/expressions/compiler.h"

#include <deque>
#include <utility>

#include "apimachinery/cel/mutation_types.h"

namespace pintle::apiserver::admission::expressions {

using cel::TypeRef;
namespace types = cel::types;

namespace {

// The types of `request` and `namespaceObject`, as upstream declares them: by hand, without what expressions have no business with.
class RequestTypes {
 public:
  RequestTypes() {
    using Fields = std::initializer_list<std::pair<std::string_view, TypeRef>>;
    const TypeRef strings = &types::list_string;
    const TypeRef by_string = pool_.map(&types::string, &types::string);
    const TypeRef kind = declare("kubernetes.GroupVersionKind", Fields{{"group", text}, {"version", text}, {"kind", text}});
    const TypeRef resource = declare("kubernetes.GroupVersionResource", Fields{{"group", text}, {"version", text}, {"resource", text}});
    const TypeRef extra = pool_.map(&types::string, strings);
    const TypeRef user = declare("kubernetes.UserInfo", Fields{{"username", text}, {"uid", text}, {"groups", strings}, {"extra", extra}});
    request = declare("kubernetes.AdmissionRequest", Fields{{"kind", kind},
                                                            {"resource", resource},
                                                            {"subResource", text},
                                                            {"requestKind", kind},
                                                            {"requestResource", resource},
                                                            {"requestSubResource", text},
                                                            {"name", text},
                                                            {"namespace", text},
                                                            {"operation", text},
                                                            {"userInfo", user},
                                                            {"dryRun", &types::boolean},
                                                            {"options", &types::dyn}});
    const TypeRef time = &types::timestamp;
    const TypeRef metadata = declare("kubernetes.NamespaceMetadata", Fields{{"name", text},
                                                                            {"generateName", text},
                                                                            {"namespace", text},
                                                                            {"labels", by_string},
                                                                            {"annotations", by_string},
                                                                            {"UID", text},
                                                                            {"creationTimestamp", time},
                                                                            {"deletionGracePeriodSeconds", &types::integer},
                                                                            {"deletionTimestamp", time},
                                                                            {"generation", &types::integer},
                                                                            {"resourceVersion", text},
                                                                            {"finalizers", strings}});
    const TypeRef spec = declare("kubernetes.NamespaceSpec", Fields{{"finalizers", strings}});
    const TypeRef condition = declare("kubernetes.NamespaceCondition",
                                      Fields{{"status", text}, {"type", text}, {"lastTransitionTime", time}, {"message", text}, {"reason", text}});
    const TypeRef status = declare("kubernetes.NamespaceStatus", Fields{{"conditions", pool_.list(condition)}, {"phase", text}});
    namespace_object = declare("kubernetes.Namespace", Fields{{"metadata", metadata}, {"spec", spec}, {"status", status}});
  }
  TypeRef request = nullptr, namespace_object = nullptr;

 private:
  static constexpr TypeRef text = &types::string;
  TypeRef declare(std::string_view name, std::initializer_list<std::pair<std::string_view, TypeRef>> members) {
    cel::FieldList& fields = fields_.emplace_back();
    for (const auto& [member, type] : members) fields.add(member, type);
    return pool_.structure(std::string(name), &fields);
  }
  cel::TypePool pool_;
  std::deque<cel::FieldList> fields_;
};

const RequestTypes& request_types() {
  static const RequestTypes made;
  return made;
}

// The types that results of a purpose may have; empty: any.
std::vector<TypeRef> wanted_of(Purpose purpose) {
  static const cel::Type object{cel::TypeKind::Struct, false, "Object"};
  static const cel::Type patch{cel::TypeKind::Struct, false, "JSONPatch"};
  static const cel::Type patches{cel::TypeKind::List, false, "list", {&patch}};
  switch (purpose) {
    case Purpose::Condition: return {&types::boolean};
    case Purpose::Message: return {&types::string};
    case Purpose::Annotation: return {&types::string, &types::null};
    case Purpose::Variable: return {};
    case Purpose::ApplyConfiguration: return {&object};
    case Purpose::JsonPatch: return {&patches};
  }
  return {};
}

// "": it fits.
std::string misfit(TypeRef type, Purpose purpose) {
  const std::vector<TypeRef> wanted = wanted_of(purpose);
  if (wanted.empty()) return {};
  for (const TypeRef one : wanted)
    if (cel::same_type(type, one)) return {};
  if (wanted.size() == 1) return "must evaluate to " + type_text(wanted[0]) + " but got " + type_text(type);
  std::string all;  // as Go prints a list of types
  for (const TypeRef one : wanted) all += (all.empty() ? "" : " ") + (one->kind == cel::TypeKind::Null ? "null_type" : type_text(one));
  return "must evaluate to one of [" + all + "] but got " + type_text(type);
}

}  // namespace

// The fields of `variables`: those declared so far. The latest of a name counts.
class Compiler::VariableTypes final : public cel::StructFields {
 public:
  VariableTypes() { type = pool_.structure("kubernetes.variables", this); }
  Field find(std::string_view field) const override {
    for (auto at = fields_.rbegin(); at != fields_.rend(); ++at)
      if (at->first == field) return {at->second, {}};
    return {};
  }
  // Lists and maps stay what they are, other composed types become dyn, as upstream's.
  void add(std::string_view name, TypeRef of) { fields_.emplace_back(name, copied(of)); }
  TypeRef type = nullptr;

 private:
  TypeRef copied(TypeRef of) {
    switch (of->kind) {
      case cel::TypeKind::Null: return &types::null;
      case cel::TypeKind::Bool: return &types::boolean;
      case cel::TypeKind::Int: return &types::integer;
      case cel::TypeKind::Uint: return &types::uinteger;
      case cel::TypeKind::Double: return &types::floating;
      case cel::TypeKind::String: return &types::string;
      case cel::TypeKind::Bytes: return &types::bytes;
      case cel::TypeKind::Timestamp: return &types::timestamp;
      case cel::TypeKind::Duration: return &types::duration;
      case cel::TypeKind::List: return pool_.list(copied(of->params[0]));
      case cel::TypeKind::Map: {
        const TypeRef key = copied(of->params[0]);
        return pool_.map(key, copied(of->params[1]));
      }
      default: return &types::dyn;
    }
  }
  cel::TypePool pool_;
  std::vector<std::pair<std::string, TypeRef>> fields_;
};

Compiler::Compiler(Places declared, TypeRef object, TypeRef params) : declared_(declared), object_(object), params_(params) {
  if (declared.composed) variable_types_ = std::make_shared<VariableTypes>();
}
Compiler::~Compiler() = default;

std::shared_ptr<const cel::Environment> Compiler::make(Environment which) const {
  cel::EnvironmentOptions options;
  if (which == Environment::Patches) options.libraries = cel::kubernetes_libraries | cel::Library::JsonPatch;
  auto made = std::make_shared<cel::Environment>(options);
  made->add_variable("object", object_);
  made->add_variable("oldObject", object_);
  made->add_variable("namespaceObject", request_types().namespace_object);
  made->add_variable("request", request_types().request);
  if (variable_types_) {
    made->types().keep(variable_types_);
    made->add_variable("variables", variable_types_->type);
  }
  if (declared_.params) made->add_variable("params", params_);
  if (which != Environment::Plain) {
    made->add_variable("authorizer", &types::authorizer);
    made->add_variable("authorizer.requestResource", &types::resource_check);
  }
  if (which == Environment::Patches) made->set_type_source(&cel::mutation_types());
  return made;
}

const cel::Environment& Compiler::environment(Environment which) {
  auto& at = environments_[static_cast<std::size_t>(which)];
  if (!at) at = make(which);
  return *at;
}

Expression Compiler::compile(std::string_view text, Purpose purpose) {
  const bool patches = purpose == Purpose::ApplyConfiguration || purpose == Purpose::JsonPatch;
  const cel::Environment& names = environment(patches                       ? Environment::Patches
                                              : purpose == Purpose::Message ? Environment::Plain
                                                                            : Environment::Authorizer);
  Expression out;
  out.text = text;
  auto program = names.compile(text);
  if (!program) {
    out.broken = "compilation failed: " + program.error().message;
    return out;
  }
  out.broken = misfit(program->result_type(), purpose);
  if (out.broken.empty()) out.program = std::move(*program);
  return out;
}

Expression Compiler::check(std::string_view text) {
  Expression out;
  out.text = text;
  auto program = environment(Environment::Authorizer).compile(text);
  if (program) {
    out.program = std::move(*program);
  } else {
    out.broken = program.error().message;
  }
  return out;
}

void Compiler::declare(std::string_view name, const Expression& expression) {
  variable_types_->add(name, expression.program ? expression.program->result_type() : &types::dyn);
}

}  // namespace pintle::apiserver::admission::expressions
