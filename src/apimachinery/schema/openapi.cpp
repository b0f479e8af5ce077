// Published schemas, written as text without a document in between: members sorted by name, as everywhere.
#include "apimachinery/schema/openapi.h"

#include <algorithm>

#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using openapi::Dialect;

constexpr std::string_view object_meta_name = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
constexpr std::string_view list_meta_name = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
constexpr std::string_view metadata_doc =
    "Standard object's metadata: name, namespace, labels, annotations and the other facts that every object carries.";
constexpr std::string_view list_metadata_doc = "Revision at which the list was read, and the token that continues it.";

// An object whose members come in order.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }
  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    codec::append_json_string(name, out_);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) { codec::append_json_string(value, key(name)); }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void flag(std::string_view name, bool value = true) { key(name) += value ? "true" : "false"; }
  void value(std::string_view name, const Value& value) { codec::append_json(value, key(name)); }
  void number(std::string_view name, const std::optional<int64_t>& value) {
    if (value) codec::append_json_int(*value, key(name));
  }
  void number(std::string_view name, const std::optional<double>& value) {
    if (value) codec::append_json_double(*value, key(name));
  }
  void texts(std::string_view name, std::span<const std::string_view> values) {
    if (values.empty()) return;
    key(name) += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ',';
      codec::append_json_string(values[i], out_);
    }
    out_ += ']';
  }

 private:
  std::string& out_;
  bool first_ = true;
};

// How a node is published.
struct Use {
  Dialect dialect = Dialect::V3;
  bool nested = false;               // inside of allOf, anyOf, oneOf or not
  const CustomKind* kind = nullptr;  // it is the root of one
  bool v2() const { return dialect == Dialect::V2; }
};

const Restrictions no_restrictions;
const Sizes no_sizes;
const Bounds no_bounds;
const Extras no_extras;
const Junctors no_junctors;

bool is_integer_or_string(std::span<const Node> nodes) {
  return nodes.size() == 2 && nodes[0].type == ValueType::Integer && nodes[1].type == ValueType::String;
}

class SchemaWriter {
 public:
  explicit SchemaWriter(std::string& out) : out_(out) {}

  void write(const Node& node, const Use& use) {
    const Restrictions& restrictions = node.restrictions ? *node.restrictions : no_restrictions;
    const Bounds& bounds = restrictions.bounds ? *restrictions.bounds : no_bounds;
    const Sizes& sizes = restrictions.sizes ? *restrictions.sizes : no_sizes;
    const Extras& extras = node.extras ? *node.extras : no_extras;
    Members members(out_);
    write_additional(node, use, members);
    if (!use.v2()) write_junctors(node, use, members);
    if (node.default_value && !use.v2()) members.value("default", *node.default_value);
    members.text_if("description", node.description);
    if (!restrictions.enumeration.empty()) write_values("enum", restrictions.enumeration, members);
    if (extras.example) members.value("example", *extras.example);
    if (bounds.exclusive_maximum) members.flag("exclusiveMaximum");
    if (bounds.exclusive_minimum) members.flag("exclusiveMinimum");
    if (extras.has_external_docs) {
      Members docs(members.key("externalDocs"));
      docs.text_if("description", extras.external_docs_description);
      docs.text_if("url", extras.external_docs_url);
      docs.end();
    }
    members.text_if("format", restrictions.format);
    if (node.items && keeps_structure(node, use)) write(*node.items, below(use), members.key("items"));
    members.number("maxItems", sizes.max_items);
    members.number("maxLength", sizes.max_length);
    members.number("maxProperties", sizes.max_properties);
    members.number("maximum", bounds.maximum);
    members.number("minItems", sizes.min_items);
    members.number("minLength", sizes.min_length);
    members.number("minProperties", sizes.min_properties);
    members.number("minimum", bounds.minimum);
    members.number("multipleOf", bounds.multiple_of);
    if (!use.v2()) write_not(node, use, members);
    if (node.nullable && !use.v2()) members.flag("nullable");
    if (!use.v2()) write_one_of(node, use, members);
    if (restrictions.pattern) members.text("pattern", restrictions.pattern->text());
    write_properties(node, use, members);
    write_required(node, use, members);
    members.text_if("title", extras.title);
    members.text_if("type", published_type(node, use));
    if (sizes.unique_items) members.flag("uniqueItems");
    write_extensions(node, use, members);
    members.end();
  }

 private:
  void write(const Node& node, const Use& use, std::string&) { write(node, use); }

  static Use below(const Use& use) { return {use.dialect, use.nested, nullptr}; }
  static Use nested(const Use& use) { return {use.dialect, true, nullptr}; }

  // In version 2, properties and items would make kubectl refuse what is null, or not among them.
  static bool keeps_structure(const Node& node, const Use& use) { return !use.v2() || use.nested || (!node.nullable && !node.preserve_unknown); }
  static std::string_view published_type(const Node& node, const Use& use) {
    if (use.v2()) {
      if (node.nullable || (node.preserve_unknown && node.type == ValueType::Object)) return {};
      if (node.type == ValueType::Array && (node.items == nullptr || node.preserve_unknown)) return {};
    }
    return type_name(node.type);
  }

  void write_additional(const Node& node, const Use& use, Members& members) {
    if (!node.has_additional || use.nested) return;
    if (node.additional) {
      write(*node.additional, below(use), members.key("additionalProperties"));
    } else {
      members.flag("additionalProperties", node.allows_additional);
    }
  }

  void write_values(std::string_view name, std::span<const Value> values, Members& members) {
    members.key(name) += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ',';
      codec::append_json(values[i], out_);
    }
    out_ += ']';
  }

  void write_list(std::string_view name, std::span<const Node> nodes, const Use& use, std::string_view first, Members& members) {
    if (nodes.empty() && first.empty()) return;
    members.key(name) += '[';
    out_ += first;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i > 0 || !first.empty()) out_ += ',';
      write(nodes[i], nested(use));
    }
    out_ += ']';
  }

  // x-kubernetes-int-or-string says of itself what it takes, unless the schema does.
  static bool needs_unfolding(const Node& node, const Junctors& junctors, const Use& use) {
    if (!node.int_or_string || use.nested || is_integer_or_string(junctors.any_of)) return false;
    const Restrictions* first = junctors.all_of.empty() ? nullptr : junctors.all_of[0].restrictions;
    return !(first && first->junctors && is_integer_or_string(first->junctors->any_of));
  }
  static const Junctors& junctors_of(const Node& node) {
    return node.restrictions && node.restrictions->junctors ? *node.restrictions->junctors : no_junctors;
  }
  // allOf and anyOf.
  void write_junctors(const Node& node, const Use& use, Members& members) {
    constexpr std::string_view either = R"({"type":"integer"},{"type":"string"})";
    const Junctors& junctors = junctors_of(node);
    const bool unfold = needs_unfolding(node, junctors, use);
    const bool in_any_of = unfold && junctors.any_of.empty();
    const std::string first = unfold && !in_any_of ? R"({"anyOf":[)" + std::string(either) + "]}" : std::string();
    write_list("allOf", junctors.all_of, use, first, members);
    write_list("anyOf", junctors.any_of, use, in_any_of ? either : std::string_view(), members);
  }
  void write_one_of(const Node& node, const Use& use, Members& members) { write_list("oneOf", junctors_of(node).one_of, use, {}, members); }
  void write_not(const Node& node, const Use& use, Members& members) {
    if (const Node* refused = junctors_of(node).not_) write(*refused, nested(use), members.key("not"));
  }

  // Whether apiVersion, kind and metadata are those of an object.
  static bool is_object(const Node& node, const Use& use) {
    return use.kind != nullptr || (!use.nested && node.embedded_resource && !(use.v2() && node.preserve_unknown));
  }

  void write_properties(const Node& node, const Use& use, Members& members) {
    const bool structure = keeps_structure(node, use) || use.kind != nullptr;
    const bool object = is_object(node, use);
    if (!object && (!structure || node.properties.empty())) return;
    constexpr std::string_view meta[] = {"apiVersion", "kind", "metadata"};
    Members inside(members.key("properties"));
    std::size_t next_meta = object ? 0 : std::size(meta);
    const auto write_meta_before = [&](std::string_view name) {
      for (; next_meta < std::size(meta) && meta[next_meta] <= name; ++next_meta) write_meta(meta[next_meta], use, inside);
    };
    if (structure) {
      for (const Property& property : node.properties) {
        write_meta_before(property.name);
        if (object && std::ranges::find(meta, property.name) != std::end(meta)) continue;
        write(*property.node, below(use), inside.key(property.name));
      }
    }
    write_meta_before("metadata");
    inside.end();
  }

  void write_meta(std::string_view name, const Use& use, Members& inside) {
    if (name != "metadata") {
      Members member(inside.key(name));
      member.text("description", name == "kind" ? openapi::kind_doc : openapi::api_version_doc);
      member.text("type", "string");
      member.end();
    } else {
      write_reference(object_meta_name, metadata_doc, use.dialect, inside.key(name));
    }
  }

 public:
  // In version 3 nothing may stand beside $ref.
  static void write_reference(std::string_view name, std::string_view description, Dialect dialect, std::string& out) {
    Members member(out);
    const std::string target = openapi::reference(dialect, name);
    if (dialect == Dialect::V2) {
      member.text("$ref", target);
      member.text("description", description);
    } else {
      std::string& list = member.key("allOf");
      list += R"([{"$ref":)";
      codec::append_json_string(target, list);
      list += "}]";
      member.text("description", description);
    }
    member.end();
  }

 private:
  void write_required(const Node& node, const Use& use, Members& members) {
    std::vector<std::string_view> names;
    if (node.restrictions) names.assign(node.restrictions->required.begin(), node.restrictions->required.end());
    if (use.v2() && !use.nested) {
      // What is required and nullable is not there, as version 2 cannot say null.
      if (node.additional && node.additional->nullable) names.clear();
      if (keeps_structure(node, use))
        std::erase_if(names, [&](std::string_view name) {
          const Node* property = node.property(name);
          return property && property->nullable;
        });
    }
    if (is_object(node, use) && node.embedded_resource) {
      for (const std::string_view name : {"kind", "apiVersion"})
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    members.texts("required", names);
  }

  void write_extensions(const Node& node, const Use& use, Members& members) {
    if (node.embedded_resource) members.flag("x-kubernetes-embedded-resource");
    if (use.kind) write_kind(*use.kind, use.kind->kind, members);
    if (node.int_or_string) members.flag("x-kubernetes-int-or-string");
    if (node.extras) members.texts("x-kubernetes-list-map-keys", node.extras->list_map_keys);
    constexpr std::string_view list_types[] = {"", "atomic", "set", "map"}, map_types[] = {"", "granular", "atomic"};
    members.text_if("x-kubernetes-list-type", list_types[static_cast<std::size_t>(node.list_type)]);
    members.text_if("x-kubernetes-map-type", map_types[static_cast<std::size_t>(node.map_type)]);
    if (node.preserve_unknown) members.flag("x-kubernetes-preserve-unknown-fields");
    if (use.kind) write_selectable(*use.kind, members);
    if (!node.rules().empty()) write_rules(node.rules(), members);
  }

 public:
  static void write_kind(const CustomKind& kind, std::string_view name, Members& members) {
    std::string& out = members.key("x-kubernetes-group-version-kind");
    out += '[';
    Members entry(out);
    entry.text("group", kind.group);
    entry.text("kind", name);
    entry.text("version", kind.version);
    entry.end();
    out += ']';
  }
  static void write_selectable(const CustomKind& kind, Members& members) {
    if (kind.selectable_fields.empty()) return;
    std::string& out = members.key("x-kubernetes-selectable-fields");
    out += '[';
    for (std::size_t i = 0; i < kind.selectable_fields.size(); ++i) {
      if (i > 0) out += ',';
      std::string_view path = kind.selectable_fields[i];
      if (path.starts_with('.')) path.remove_prefix(1);
      Members entry(out);
      entry.text("fieldPath", path);
      entry.end();
    }
    out += ']';
  }

 private:
  void write_rules(std::span<const Rule> rules, Members& members) {
    members.key("x-kubernetes-validations") += '[';
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (i > 0) out_ += ',';
      Members rule(out_);
      rule.text_if("fieldPath", rules[i].field_path);
      rule.text_if("message", rules[i].message);
      rule.text_if("messageExpression", rules[i].message_expression);
      if (rules[i].optional_old_self) rule.flag("optionalOldSelf", *rules[i].optional_old_self);
      if (rules[i].reason) rule.text("reason", *rules[i].reason);
      rule.text("rule", rules[i].rule);
      rule.end();
    }
    out_ += ']';
  }

  std::string& out_;
};

}  // namespace

std::string definition_name(std::string_view group, std::string_view version, std::string_view kind) {
  std::string name;
  while (!group.empty()) {
    const std::size_t dot = group.rfind('.');
    const std::string_view part = dot == std::string_view::npos ? group : group.substr(dot + 1);
    (name += part) += '.';
    group = dot == std::string_view::npos ? std::string_view() : group.substr(0, dot);
  }
  ((name += version) += '.') += kind;
  return name;
}

std::string published_name(std::string_view group, std::string_view version, std::string_view kind) {
  std::string name = definition_name(group, version, kind);
  if (openapi::is_defined(name)) name += "_v2";
  return name;
}

openapi::Part part_of(const Node* root, const CustomKind& kind, openapi::Form form) {
  openapi::CustomPaths custom{kind.group, kind.version, kind.kind, kind.plural, kind.namespaced, kind.status, kind.scale, "", ""};
  custom.definition = published_name(kind.group, kind.version, kind.kind);
  custom.list_definition = published_name(kind.group, kind.version, kind.list_kind);
  openapi::PartWriter writer(form);
  for (const openapi::PathItem& item : openapi::paths_of(custom)) writer.add_path(item);
  writer.add_definition_text(custom.definition, kind_definition(root, kind, openapi::dialect_of(form)));
  writer.add_definition_text(custom.list_definition, list_definition(kind, openapi::dialect_of(form)));
  return std::move(writer).finish();
}

void append_schema(const Node& node, Dialect dialect, std::string& out) { SchemaWriter(out).write(node, {dialect, false, nullptr}); }

std::string kind_definition(const Node* root, const CustomKind& kind, Dialect dialect) {
  std::string out;
  // Version 2 says nothing where anything may come: what it says, kubectl takes for all there is.
  const bool open = root == nullptr || (dialect == Dialect::V2 && (root->preserve_unknown || kind.preserve_unknown_fields));
  if (!open) {
    SchemaWriter(out).write(*root, {dialect, false, &kind});
    return out;
  }
  Members members(out);
  members.text("type", "object");
  SchemaWriter::write_kind(kind, kind.kind, members);
  SchemaWriter::write_selectable(kind, members);
  members.end();
  return out;
}

std::string list_definition(const CustomKind& kind, Dialect dialect) {
  std::string out;
  const auto described = [](Members& inside, std::string_view name, std::string_view doc) {
    Members member(inside.key(name));
    member.text("description", doc);
    member.text("type", "string");
    member.end();
  };
  Members members(out);
  members.text("description", "A list of " + std::string(kind.kind) + " objects.");
  Members properties(members.key("properties"));
  described(properties, "apiVersion", openapi::api_version_doc);
  Members items(properties.key("items"));
  items.text("description", "The objects of the list.");
  Members item(items.key("items"));
  item.text("$ref", openapi::reference(dialect, published_name(kind.group, kind.version, kind.kind)));
  item.end();
  items.text("type", "array");
  items.end();
  described(properties, "kind", openapi::kind_doc);
  SchemaWriter::write_reference(list_meta_name, list_metadata_doc, dialect, properties.key("metadata"));
  properties.end();
  members.key("required") += R"(["items"])";
  members.text("type", "object");
  SchemaWriter::write_kind(kind, kind.list_kind, members);
  SchemaWriter::write_selectable(kind, members);
  members.end();
  return out;
}

}  // namespace pintle::apimachinery::schema
