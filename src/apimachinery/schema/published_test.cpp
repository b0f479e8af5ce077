// How others see a schema: OpenAPI, server-side apply.
#include <gtest/gtest.h>

#include "apimachinery/apply/field_manager.h"
#include "apimachinery/apply/merge.h"
#include "apimachinery/apply/typed_check.h"
#include "apimachinery/apply/value_cursor.h"
#include "apimachinery/discovery/served_resources.h"
#include "apimachinery/schema/openapi.h"
#include "apimachinery/schema/schema_testing.h"
#include "apimachinery/schema/structural_view.h"
#include "codec/proto_wire.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using openapi::Dialect;
using testing::schema_of;
using testing::value_of;

// Members come sorted, so that the text is what a document would make of it.
Value published(const std::string& text) {
  const Value value = value_of(text);
  EXPECT_EQ(codec::to_json(value), text);
  return value;
}

void check_schema(const char* schema, Dialect dialect, const char* wanted) {
  std::string out;
  append_schema(schema_of(schema)->root(), dialect, out);
  EXPECT_EQ(codec::to_json(published(out)), codec::to_json(value_of(wanted))) << schema;
}

TEST(PublishedSchema, Version3KeepsMost) {
  constexpr const char* full =
      R"({"additionalProperties":{"type":"string"},"allOf":[{"required":["a"]}],"anyOf":[{"minProperties":1}],"default":{"a":"b"},"description":"d","example":{"a":"c"},)"
      R"("externalDocs":{"description":"more","url":"http://x"},"maxProperties":3,"not":{"required":["z"]},"nullable":true,"oneOf":[{"maxProperties":9}],"title":"t","type":"object",)"
      R"("x-kubernetes-map-type":"atomic","x-kubernetes-validations":[{"message":"m","rule":"true"}]})";
  check_schema(full, Dialect::V3, full);
  constexpr const char* list =
      R"({"items":{"properties":{"k":{"default":"x","enum":["x","y"],"format":"date","maxLength":9,"minLength":1,"pattern":"^x","type":"string"}},"required":["k"],"type":"object"},)"
      R"("maxItems":5,"minItems":1,"type":"array","x-kubernetes-list-map-keys":["k"],"x-kubernetes-list-type":"map"})";
  check_schema(list, Dialect::V3, list);
  check_schema(R"({"type":"number","maximum":5.5,"exclusiveMaximum":true,"minimum":1,"multipleOf":0.5})", Dialect::V3,
               R"({"type":"number","maximum":5.5,"exclusiveMaximum":true,"minimum":1,"multipleOf":0.5})");
}

TEST(PublishedSchema, SaysWhatIsAnIntegerOrAString) {
  check_schema(R"({"x-kubernetes-int-or-string":true})", Dialect::V3,
               R"({"anyOf":[{"type":"integer"},{"type":"string"}],"x-kubernetes-int-or-string":true})");
  check_schema(R"({"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]})", Dialect::V3,
               R"({"anyOf":[{"type":"integer"},{"type":"string"}],"x-kubernetes-int-or-string":true})");
  check_schema(R"({"x-kubernetes-int-or-string":true,"anyOf":[{"pattern":"x"}]})", Dialect::V3,
               R"({"allOf":[{"anyOf":[{"type":"integer"},{"type":"string"}]}],"anyOf":[{"pattern":"x"}],"x-kubernetes-int-or-string":true})");
  check_schema(R"({"x-kubernetes-int-or-string":true})", Dialect::V2, R"({"x-kubernetes-int-or-string":true})");
}

TEST(PublishedSchema, Version2LosesWhatKubectlDoesNotUnderstand) {
  check_schema(
      R"({"type":"object","required":["a","n"],"oneOf":[{"required":["a"]}],"not":{"required":["z"]},"properties":{"a":{"type":"string","description":"stays"},"n":{"type":"object","nullable":true,"properties":{"x":{"type":"string"}}}}})",
      Dialect::V2, R"({"type":"object","required":["a"],"properties":{"a":{"type":"string","description":"stays"},"n":{}}})");
  check_schema(R"({"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{"type":"string"}}})", Dialect::V2,
               R"({"x-kubernetes-preserve-unknown-fields":true})");
  check_schema(R"({"type":"array","x-kubernetes-preserve-unknown-fields":true,"items":{"type":"string"}})", Dialect::V2,
               R"({"x-kubernetes-preserve-unknown-fields":true})");
}

TEST(PublishedSchema, OfEmbeddedResources) {
  std::string out;
  append_schema(
      schema_of(R"({"type":"object","x-kubernetes-embedded-resource":true,"required":["spec"],"properties":{"spec":{"type":"object"}}})")->root(),
      Dialect::V3, out);
  const Value value = published(out);
  EXPECT_EQ(codec::to_json(*value.find("required")), R"(["spec","kind","apiVersion"])");
  EXPECT_EQ(codec::to_json(*value.find("properties")->find("metadata")->find("allOf")),
            R"([{"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}])");
}

constexpr CustomKind crontab() {
  CustomKind kind;
  kind.group = "stable.example.com";
  kind.version = "v1";
  kind.kind = "CronTab";
  kind.list_kind = "CronTabList";
  kind.plural = "crontabs";
  return kind;
}

TEST(KindDefinition, IsThatOfAnObject) {
  EXPECT_EQ(definition_name("stable.example.com", "v1", "CronTab"), "com.example.stable.v1.CronTab");
  CustomKind kind = crontab();
  kind.selectable_fields = {".spec.cron"};
  const auto schema = schema_of(
      R"({"type":"object","description":"A cron tab.","properties":{"metadata":{"type":"object"},"spec":{"type":"object"},"aaa":{"type":"string"}}})");
  const Value v3 = published(kind_definition(&schema->root(), kind, Dialect::V3));
  EXPECT_EQ(v3.string_at("description"), "A cron tab.");
  const Value& properties = *v3.find("properties");
  EXPECT_EQ(properties.as_object().size(), 5u);
  EXPECT_EQ(properties.find("kind")->string_at("type"), "string");
  EXPECT_NE(properties.find("metadata")->find("allOf"), nullptr);
  EXPECT_EQ(codec::to_json(*v3.find("x-kubernetes-group-version-kind")), R"([{"group":"stable.example.com","kind":"CronTab","version":"v1"}])");
  EXPECT_EQ(codec::to_json(*v3.find("x-kubernetes-selectable-fields")), R"([{"fieldPath":"spec.cron"}])");
  const Value v2 = published(kind_definition(&schema->root(), kind, Dialect::V2));
  EXPECT_EQ(v2.find("properties")->find("metadata")->string_at("$ref"), "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
}

TEST(KindDefinition, SaysLittleWhereAnythingMayCome) {
  const auto open = schema_of(R"({"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"spec":{"type":"object"}}})");
  constexpr const char* bare =
      R"({"type":"object","x-kubernetes-group-version-kind":[{"group":"stable.example.com","kind":"CronTab","version":"v1"}]})";
  EXPECT_EQ(kind_definition(nullptr, crontab(), Dialect::V3), bare);
  EXPECT_EQ(kind_definition(&open->root(), crontab(), Dialect::V2), bare);
  EXPECT_NE(published(kind_definition(&open->root(), crontab(), Dialect::V3)).find("properties"), nullptr);
}

TEST(ListDefinition, RefersToTheKind) {
  for (const Dialect dialect : {Dialect::V2, Dialect::V3}) {
    const Value list = published(list_definition(crontab(), dialect));
    EXPECT_EQ(list.find("properties")->find("items")->find("items")->string_at("$ref"), openapi::reference(dialect, "com.example.stable.v1.CronTab"));
    EXPECT_EQ(codec::to_json(*list.find("required")), R"(["items"])");
    EXPECT_EQ(codec::to_json(*list.find("x-kubernetes-group-version-kind")),
              R"([{"group":"stable.example.com","kind":"CronTabList","version":"v1"}])");
  }
}

constexpr const char* applied =
    R"({"type":"object","properties":{"spec":{"type":"object","properties":{"atomic":{"type":"array","items":{"type":"string"}},)"
    R"("set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},)"
    R"("map":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name","port"],"items":{"type":"object","properties":{"name":{"type":"string"},"port":{"type":"integer","default":80},"v":{"type":"string"}}}},)"
    R"("whole":{"type":"object","x-kubernetes-map-type":"atomic","additionalProperties":{"type":"string"}},"labels":{"type":"object","additionalProperties":{"type":"string"}},)"
    R"("any":{"x-kubernetes-preserve-unknown-fields":true}}}}})";

TEST(StructuralView, HasTheShapesOfTheSchema) {
  const StructuralView view(schema_of(applied));
  bool named = false;
  const SchemaNode spec = view.member(view.root(), "spec", named);
  EXPECT_TRUE(named);
  const auto shape = [&](std::string_view name) { return view.shape(view.member(spec, name, named)); };
  EXPECT_EQ(shape("atomic"), Shape::Leaf);
  EXPECT_EQ(shape("set"), Shape::SetList);
  EXPECT_EQ(shape("map"), Shape::KeyedList);
  EXPECT_EQ(shape("whole"), Shape::Leaf);
  EXPECT_EQ(shape("labels"), Shape::Object);
  EXPECT_EQ(shape("any"), Shape::Deduced);
  EXPECT_EQ(shape("unknown"), Shape::Deduced);
  EXPECT_FALSE(named);
  const SchemaNode map = view.member(spec, "map", named);
  EXPECT_EQ(view.keys(map).size(), 2u);
  EXPECT_EQ(view.key_default(map, "port"), Value(80));
  const SchemaNode metadata = view.member(view.root(), "metadata", named);
  EXPECT_EQ(view.shape(view.member(metadata, "finalizers", named)), Shape::SetList);
  EXPECT_EQ(view.shape(view.member(metadata, "ownerReferences", named)), Shape::KeyedList);
}

TEST(StructuralView, MergesWhatIsApplied) {
  const StructuralView view(schema_of(applied));
  const auto merged = merge_config(
      view, value_of(R"({"spec":{"atomic":["a"],"set":["a"],"map":[{"name":"x","v":"1"}],"whole":{"a":"1"},"labels":{"a":"1"},"any":{"p":1}}})"),
      value_of(
          R"({"spec":{"atomic":["b"],"set":["b"],"map":[{"name":"x","port":80,"v":"2"},{"name":"y"}],"whole":{"b":"1"},"labels":{"b":"1"},"any":{"q":[1]}}})"));
  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(
      codec::to_json(*merged),
      R"({"spec":{"any":{"p":1,"q":[1]},"atomic":["b"],"labels":{"a":"1","b":"1"},"map":[{"name":"x","port":80,"v":"2"},{"name":"y"}],"set":["a","b"],"whole":{"b":"1"}}})");
}

TEST(StructuralView, GivesFieldsToTheirManagers) {
  const StructuralView view(schema_of(applied));
  FieldWriter writer;
  writer.manager = "t";
  writer.api_version = "example.com/v1";
  const auto result = apply_config(
      view, Value::Object{},
      value_of(
          R"({"apiVersion":"example.com/v1","kind":"A","metadata":{"name":"a","labels":{"l":"1"}},"spec":{"set":["x"],"map":[{"name":"n","v":"1"}],"whole":{"a":"b"}}})"),
      writer);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  const Value& entry = result->object.find("metadata")->find("managedFields")->as_array().at(0);
  EXPECT_EQ(
      codec::to_json(*entry.find("fieldsV1")),
      R"({"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:map":{"k:{\"name\":\"n\",\"port\":80}":{".":{},"f:name":{},"f:v":{}}},"f:set":{"v:\"x\"":{}},"f:whole":{}}})");
}

TEST(StructuralView, SaysWhatDoesNotFit) {
  const std::string spec =
      R"("spec":{"type":"object",%"properties":{"template":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}},)"
      R"("free":{"type":"object"},"any":{"x-kubernetes-int-or-string":true},"numbers":{"type":"object","additionalProperties":{"type":"integer"}},)"
      R"("list":{"type":"array","items":{"type":"object","properties":{"a":{"type":"boolean"}}}}}})";
  const auto view_of = [&](std::string_view more) {
    std::string text = spec;
    return StructuralView(schema_of(R"({"type":"object","properties":{)" + text.replace(text.find('%'), 1, more) + "}}"));
  };
  const StructuralView tight = view_of(""), loose = view_of(R"("x-kubernetes-preserve-unknown-fields":true,)");
  const auto check = [&](const StructuralView& view, std::string_view config, std::string_view why) {
    EXPECT_EQ(typed_problems(view, value_of(config)), why) << config;
  };
  const std::string_view unknown = R"({"apiVersion":"a/v1","kind":"A","metadata":{"name":"a"},"spec":{"list":[{"b":1}]}})";
  check(tight, unknown, ".spec.list[0].b: field not declared in schema");
  check(loose, unknown, "");  // what is below a place that preserves them is not unknown either
  for (const StructuralView* view : {&tight, &loose}) {
    check(*view, R"({"nope":1})", ".nope: field not declared in schema");
    check(*view, R"({"status":{}})", ".status: field not declared in schema");
    check(*view, R"({"metadata":{"odd":1}})", ".metadata.odd: field not declared in schema");
    check(*view, R"({"spec":{"template":{"kind":1}}})", ".spec.template.kind: expected string, got &value.valueUnstructured{Value:1}");
    check(*view, R"({"spec":{"template":{"metadata":{"odd":1}}}})", ".spec.template.metadata.odd: field not declared in schema");
    check(*view,
          R"({"spec":{"free":{"a":{"b":1}},"any":{"a":1},"numbers":{"a":1,"b":null},"template":{"apiVersion":"v1","kind":"P","spec":{"a":1}}}})", "");
    check(*view, R"({"spec":{"numbers":{"a":"x"}}})", ".spec.numbers.a: expected numeric (int or float), got string");
    check(*view, R"({"spec":{"list":[{"a":"true"}]}})", ".spec.list[0].a: expected boolean, got &{true}");
  }
  check(tight, R"({"spec":{"template":{"apiversion":"v1"}}})", ".spec.template.apiversion: field not declared in schema");
}

constexpr const char* widget_schema =
    R"({"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"string","default":"x","maxLength":3,"minLength":1,"pattern":"^x","title":"t"},)"
    R"("n":{"type":"number","minimum":0.5,"maximum":9,"exclusiveMaximum":true,"multipleOf":0.5},"p":{"x-kubernetes-int-or-string":true},)"
    R"("m":{"type":"object","additionalProperties":true},"l":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"integer"},"example":[1]}}}}})";

CustomKind widget() {
  CustomKind kind;
  kind.group = "my-app.example.com";
  kind.version = "v1";
  kind.kind = "Widget";
  kind.list_kind = "WidgetList";
  kind.plural = "widgets";
  kind.namespaced = kind.status = kind.scale = true;
  return kind;
}

// A document of the built-in API and one custom kind.
std::string whole_document(const openapi::Part& own, const openapi::Part& custom, openapi::Form form) {
  const std::string_view comma = form == openapi::Form::ProtoV2 ? "" : ",";
  const std::string paths = own.paths + std::string(own.paths.empty() ? "" : comma) + custom.paths;
  const std::string definitions = own.definitions + std::string(comma) + custom.definitions;
  const openapi::Frame frame = openapi::frame_of(form, paths.size(), definitions.size(), own.parameters);
  return frame.head + paths + frame.between + definitions + frame.tail;
}

void check_resolved(const Value& value, const Value& document) {
  if (value.is_array())
    for (const Value& item : value.as_array()) check_resolved(item, document);
  if (!value.is_object()) return;
  if (std::string_view ref = value.string_at("$ref"); !ref.empty()) {
    const Value* at = &document;
    for (ref.remove_prefix(2); at != nullptr && !ref.empty();) {
      const std::size_t slash = std::min(ref.find('/'), ref.size());
      at = at->find(ref.substr(0, slash));
      ref.remove_prefix(std::min(slash + 1, ref.size()));
    }
    EXPECT_NE(at, nullptr) << value.string_at("$ref");
  }
  for (const auto& [key, member] : value.as_object()) check_resolved(member, document);
}

TEST(PublishedKind, ItsPartStandsInDocumentsOfBothVersions) {
  const auto schema = schema_of(widget_schema);
  const Value v2 = value_of(whole_document(openapi::v2_part(served_group_versions(), openapi::Form::JsonV2),
                                           part_of(&schema->root(), widget(), openapi::Form::JsonV2), openapi::Form::JsonV2));
  check_resolved(v2, v2);
  const Value* list = v2.find("paths")->find("/apis/my-app.example.com/v1/namespaces/{namespace}/widgets")->find("get");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->string_at("operationId"), "listMyAppExampleComV1NamespacedWidget");
  EXPECT_EQ(list->find("tags")->as_array().at(0), Value("myAppExampleCom_v1"));
  const Value v3 =
      value_of(whole_document(openapi::v3_references(true), part_of(&schema->root(), widget(), openapi::Form::JsonV3), openapi::Form::JsonV3));
  check_resolved(v3, v3);
  const Value* spec = v3.find("components")->find("schemas")->find("com.example.my-app.v1.Widget")->find("properties")->find("spec");
  EXPECT_EQ(spec->find("properties")->find("a")->string_at("default"), "x");
}

TEST(PublishedKind, ProtobufTellsTheLengthsOfItsParts) {
  const auto schema = schema_of(widget_schema);
  const openapi::Part own = openapi::v2_part(served_group_versions(), openapi::Form::ProtoV2);
  const openapi::Part part = part_of(&schema->root(), widget(), openapi::Form::ProtoV2);
  const std::string document = whole_document(own, part, openapi::Form::ProtoV2);
  codec::ProtoReader reader(document);
  std::size_t paths = 0, definitions = 0;
  while (!reader.at_end()) {
    uint32_t number = 0;
    codec::WireType type{};
    std::string_view body;
    ASSERT_TRUE(reader.tag(number, type) && type == codec::WireType::Bytes && reader.bytes(body));
    if (number == 8) paths = body.size();
    if (number == 9) definitions = body.size();
  }
  EXPECT_EQ(paths, own.paths.size() + part.paths.size());
  EXPECT_EQ(definitions, own.definitions.size() + part.definitions.size());
}

TEST(PublishedKind, ANameThatIsBuiltInIsNotTaken) {
  EXPECT_EQ(published_name("core.api.k8s.io", "v1", "Pod"), "io.k8s.api.core.v1.Pod_v2");
  EXPECT_EQ(published_name("meta.apis.pkg.apimachinery.k8s.io", "v1", "Patch"), "io.k8s.apimachinery.pkg.apis.meta.v1.Patch_v2");
  EXPECT_EQ(published_name("core.api.k8s.io", "v1", "Widget"), "io.k8s.api.core.v1.Widget");
  EXPECT_EQ(published_name("stable.example.com", "v1", "Pod"), "com.example.stable.v1.Pod");
}

}  // namespace
}  // namespace pintle::apimachinery::schema
