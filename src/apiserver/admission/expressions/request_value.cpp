#include "apiserver/admission/expressions/request_value.h"

#include <vector>

namespace pintle::apiserver::admission::expressions {

using cel::Arena;
using cel::Entry;
using cel::Value;

namespace {

// A map of the request's making: entries with an empty text are left out if they may be.
class Members {
 public:
  void text(std::string_view name, std::string_view value) { entries_.push_back({Value::of(name), Value::of(value)}); }
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void add(std::string_view name, Value value) { entries_.push_back({Value::of(name), value}); }
  Value value(Arena& arena) const { return cel::make_map(entries_, arena); }

 private:
  std::vector<Entry> entries_;
};

Value texts(const std::vector<std::string>& all, Arena& arena) {
  std::vector<Value> values;
  for (const std::string& one : all) values.push_back(Value::of(std::string_view(one)));
  return cel::make_list(values, arena);
}

Value kind_value(const api::GroupVersionKind& kind, Arena& arena) {
  Members out;
  out.text("group", kind.group);
  out.text("version", kind.version);
  out.text("kind", kind.kind);
  return out.value(arena);
}

Value resource_value(const GroupResource& resource, std::string_view version, Arena& arena) {
  Members out;
  out.text("group", resource.group);
  out.text("version", version);
  out.text("resource", resource.resource);
  return out.value(arena);
}

// One of the ways to name what the request is about.
struct Name {
  const GroupResource& resource;
  std::string_view version;
  const api::GroupVersionKind& kind;
};

// CreateOptions and their like, which name their kind.
Value options_value(const api::Object* options, Arena& arena) {
  if (options == nullptr || !*options) return Value::null();
  const std::string_view name = options->type().name;  // "meta/v1.CreateOptions"
  return object_or_null(options, arena.make<api::GroupVersionKind>(api::GroupVersionKind{"meta.k8s.io", "v1", name.substr(name.rfind('.') + 1)}),
                        arena);
}

Value user_value(const UserInfo* user, Arena& arena) {
  Members out;
  if (user != nullptr) {
    out.text_if_any("username", user->name);
    out.text_if_any("uid", user->uid);
    if (!user->groups.empty()) out.add("groups", texts(user->groups, arena));
    if (!user->extra.empty()) {
      Members extra;
      for (const auto& [key, values] : user->extra) extra.add(key, texts(values, arena));
      out.add("extra", extra.value(arena));
    }
  }
  return out.value(arena);
}

}  // namespace

std::string_view request_namespace(const AdmissionAttributes& a) { return a.ns.empty() && a.is("", "namespaces") ? a.name : a.ns; }

Value object_or_null(const api::Object* object, const api::GroupVersionKind* kind, Arena& arena) {
  if (object == nullptr || !*object) return Value::null();
  return cel::object_value(object->type(), object->data(), arena, kind);
}

const api::GroupVersionKind& shown_kind(const Subject& subject) {
  const AdmissionAttributes& a = subject.attributes;
  return subject.version ? a.versions->served()[*subject.version].kind : a.kind;
}

Value request_value(const Subject& subject, Arena& arena) {
  const AdmissionAttributes& a = subject.attributes;
  const auto served = [&](std::size_t i) {
    const ServedAs& as = a.versions->served()[i];
    return Name{as.resource, as.version, as.kind};
  };
  const Name asked = a.versions ? served(a.requested) : Name{a.resource, a.version, a.kind};
  const Name shown = subject.version ? served(*subject.version) : asked;
  Members out;
  out.add("kind", kind_value(shown.kind, arena));
  out.add("resource", resource_value(shown.resource, shown.version, arena));
  out.text_if_any("subResource", a.subresource);
  out.add("requestKind", kind_value(asked.kind, arena));
  out.add("requestResource", resource_value(asked.resource, asked.version, arena));
  out.text_if_any("requestSubResource", a.subresource);
  out.text_if_any("name", a.name);
  out.text_if_any("namespace", request_namespace(a));
  out.text("operation", operation_name(a.operation));
  out.add("userInfo", user_value(a.user, arena));
  out.add("dryRun", Value::of(a.dry_run));
  out.add("options", options_value(a.options, arena));
  return out.value(arena);
}

Value params_value(const Subject& subject, Arena& arena) {
  if (subject.params == nullptr || !*subject.params) return Value::null();
  const std::string_view version = subject.params_version;
  const auto slash = version.find('/');
  api::GroupVersionKind kind;
  if (slash != version.npos) kind.group = version.substr(0, slash);
  kind.version = slash == version.npos ? version : version.substr(slash + 1);
  kind.kind = subject.params_kind;
  return object_or_null(subject.params, arena.make<api::GroupVersionKind>(std::move(kind)), arena);
}

cel::AccessQuestion request_resource_question(const AdmissionAttributes& a) {
  cel::AccessQuestion question;
  question.group = a.resource.group;
  question.resource = a.resource.resource;
  question.subresource = a.subresource;
  question.namespace_name = request_namespace(a);
  question.name = a.name;
  return question;
}

}  // namespace pintle::apiserver::admission::expressions
