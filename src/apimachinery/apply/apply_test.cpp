#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/apply/merge.h"
#include "apimachinery/apply/typed_check.h"
#include "apimachinery/apply/value_cursor.h"
#include "apimachinery/apply/walk.h"
#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;

Value json(std::string_view text) {
  auto value = codec::parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? std::move(*value) : Value();
}

template <class T>
api::Object object_of(std::string_view text) {
  T object;
  const auto decoded = api::decode_json(text, api::type_of<T>(), &object);
  EXPECT_TRUE(decoded) << text;
  return api::Object::of(std::move(object));
}
api::Object pod(std::string_view text) { return object_of<api::core_v1::Pod>(text); }

const api::Type& pod_type() { return api::type_of<api::core_v1::Pod>(); }

FieldWriter writer(std::string_view manager, int64_t seconds = 100) {
  FieldWriter who;
  who.manager = manager;
  who.api_version = "v1";
  who.now.seconds = seconds;
  return who;
}

// "manager/Operation[/subresource]@seconds fields" of each entry.
std::string shown(const std::vector<api::meta_v1::ManagedFieldsEntry>& entries) {
  std::string out;
  for (const auto& entry : entries) {
    out += entry.manager + "/" + entry.operation + (entry.subresource.empty() ? "" : "/" + entry.subresource);
    out += entry.time ? "@" + std::to_string(entry.time->seconds) : "";
    out += " " + entry.fields_v_1->raw + "\n";
  }
  return out;
}
std::string shown(const api::Object& object) { return shown(object.as<api::core_v1::Pod>().metadata.managed_fields); }

// What the schema says of `path` below the type: leaf, object, keyed, set.
template <class T>
std::string shape_at(std::string_view path) {
  const TypeSchema schema(api::type_of<T>());
  SchemaNode node = schema.root();
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    bool named = false;
    node = schema.member(node, path.substr(0, dot), named);
    if (!named) return "no such field";
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  switch (schema.shape(node)) {
    case Shape::Leaf: return "leaf";
    case Shape::Object: return "object";
    case Shape::KeyedList: return "keyed";
    case Shape::SetList: return "set";
    default: return "deduced";
  }
}

// Where a field's mark differs from that of its type, and where only one of them has one.
TEST(Schema, MarksOfFieldsAndTypes) {
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolume>("spec.claimRef"), "object") << "granular, though references are atomic";
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolume>("spec.claimRef.uid"), "leaf");
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolume>("spec.nodeAffinity"), "object");
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolume>("spec.nodeAffinity.required"), "leaf") << "atomic by its type";
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolume>("spec.capacity"), "object");
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolumeClaim>("status.allocatedResourceStatuses"), "object") << "granular, as maps are anyhow";
  EXPECT_EQ(shape_at<api::core_v1::PersistentVolumeClaim>("spec.dataSource"), "leaf");
  EXPECT_EQ(shape_at<api::core_v1::Pod>("spec.nodeSelector"), "leaf") << "an atomic map";
  EXPECT_EQ(shape_at<api::core_v1::Pod>("metadata.labels"), "object");
  EXPECT_EQ(shape_at<api::core_v1::Pod>("metadata.finalizers"), "set");
  EXPECT_EQ(shape_at<api::core_v1::Pod>("spec.containers"), "keyed");
  EXPECT_EQ(shape_at<api::apps_v1::Deployment>("spec.selector"), "leaf");
}

void check_round_trip(std::string_view fields) {
  const auto set = FieldSet::parse_fields_v1(fields);
  ASSERT_TRUE(set) << fields;
  EXPECT_EQ(set->to_fields_v1(), fields);
}

TEST(FieldsV1, RoundTrips) {
  check_round_trip("{}");
  check_round_trip(R"({"f:a":{},"f:b":{".":{},"f:c":{}}})");
  check_round_trip(
      R"({"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}},"k:{\"containerPort\":443,\"protocol\":\"TCP\"}":{}}})");
  check_round_trip(R"({"f:finalizers":{".":{},"v:\"a/b\"":{},"v:\"a/c\"":{}}})");
  check_round_trip(R"({"f:x":{"k:{\"a\":1.5,\"b\":true,\"c\":null}":{},"v:-3":{},"v:2":{},"v:\"2\"":{},"i:2":{},"i:10":{}}})");
}

TEST(FieldsV1, RejectsGarbage) {
  for (const char* text : {"[]", "{", R"({"x:a":{}})", R"({"f:a":1})", R"({"k:zz":{}})", R"({"i:x":{}})", R"({"f:a":{}}x)"})
    EXPECT_FALSE(FieldSet::parse_fields_v1(text)) << text;
}

void check_sets(std::string_view a, std::string_view b, std::string_view united, std::string_view minus, std::string_view both) {
  const FieldSet left = *FieldSet::parse_fields_v1(a);
  const FieldSet right = *FieldSet::parse_fields_v1(b);
  FieldSet result = left;
  result.unite(right);
  EXPECT_EQ(result.to_fields_v1(), united);
  result = left;
  result.subtract(right);
  EXPECT_EQ(result.to_fields_v1(), minus);
  result = left;
  result.intersect(right);
  EXPECT_EQ(result.to_fields_v1(), both);
  EXPECT_EQ(left.intersects(right), !result.empty());
}

TEST(FieldSet, Operations) {
  check_sets(R"({"f:a":{".":{},"f:b":{}}})", R"({"f:a":{}})", R"({"f:a":{".":{},"f:b":{}}})", R"({"f:a":{"f:b":{}}})", R"({"f:a":{}})");
  check_sets(R"({"f:a":{"f:b":{}}})", R"({"f:c":{}})", R"({"f:a":{"f:b":{}},"f:c":{}})", R"({"f:a":{"f:b":{}}})", "{}");
  FieldSet set = *FieldSet::parse_fields_v1(R"({"f:a":{"f:b":{},"f:c":{}},"f:d":{}})");
  set.subtract_recursively(*FieldSet::parse_fields_v1(R"({"f:a":{}})"));
  EXPECT_EQ(set.to_fields_v1(), R"({"f:d":{}})");
}

constexpr auto minimal =
    R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],"restartPolicy":"Always","securityContext":{}}})";
constexpr auto minimal_fields =
    R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:resources":{}}},"f:restartPolicy":{},"f:securityContext":{}}})";

TEST(TrackUpdate, Create) {
  api::Object created = pod(minimal);
  track_update(pod("{}"), created, writer("unknown"));
  EXPECT_EQ(shown(created), std::string("unknown/Update@100 ") + minimal_fields + "\n");
}

TEST(TrackUpdate, ReferencesThatAreGranular) {
  const auto volume = [](std::string_view claim) {
    return object_of<api::core_v1::PersistentVolume>(R"({"metadata":{"name":"v"},"spec":{"claimRef":)" + std::string(claim) + "}}");
  };
  const auto managed = [](const api::Object& object) { return shown(object.as<api::core_v1::PersistentVolume>().metadata.managed_fields); };
  api::Object created = volume(R"({"namespace":"n","name":"c"})");
  track_update(object_of<api::core_v1::PersistentVolume>("{}"), created, writer("maker", 1));
  const std::string made = R"(maker/Update@1 {"f:spec":{"f:claimRef":{".":{},"f:name":{},"f:namespace":{}}}})";
  EXPECT_EQ(managed(created), made + "\n");
  api::Object bound = volume(R"({"namespace":"n","name":"c","uid":"u"})");
  bound.as<api::core_v1::PersistentVolume>().metadata.managed_fields = created.as<api::core_v1::PersistentVolume>().metadata.managed_fields;
  track_update(created, bound, writer("binder", 2));
  EXPECT_EQ(managed(bound), made + "\nbinder/Update@2 {\"f:spec\":{\"f:claimRef\":{\"f:uid\":{}}}}\n") << "the name stays its maker's";
}

TEST(TrackUpdate, DocumentsAndObjectsAgree) {
  Value document = json(minimal);
  const Value nothing = api::to_value(pod_type(), pod("{}").data());
  api::Object typed = pod(minimal);
  Value full = api::to_value(pod_type(), typed.data());
  track_update(TypeSchema(pod_type()), nothing, full, writer("unknown"));
  track_update(pod("{}"), typed, writer("unknown"));
  EXPECT_EQ(codec::to_json(full), codec::to_json(api::to_value(pod_type(), typed.data())));
}

// An object as stored: with a uid, tracked since its creation by `manager`.
api::Object stored(std::string_view text, std::string_view manager = "creator") {
  api::Object object = pod(text);
  track_update(pod("{}"), object, writer(manager, 1));
  object.as<api::core_v1::Pod>().metadata.uid = "u";
  return object;
}

TEST(TrackUpdate, ChangesMoveFieldsToTheWriter) {
  const api::Object live = stored(R"({"metadata":{"labels":{"a":"1","b":"1"}}})");
  EXPECT_EQ(shown(live), "creator/Update@1 {\"f:metadata\":{\"f:labels\":{\".\":{},\"f:a\":{},\"f:b\":{}}}}\n");
  api::Object next = live;
  next.as<api::core_v1::Pod>().metadata.labels["b"] = "2";
  next.as<api::core_v1::Pod>().metadata.labels["c"] = "1";
  track_update(live, next, writer("other", 2));
  EXPECT_EQ(shown(next),
            "creator/Update@1 {\"f:metadata\":{\"f:labels\":{\".\":{},\"f:a\":{}}}}\n"
            "other/Update@2 {\"f:metadata\":{\"f:labels\":{\"f:b\":{},\"f:c\":{}}}}\n");
  api::Object last = next;
  last.as<api::core_v1::Pod>().metadata.labels.clear();
  track_update(next, last, writer("third", 3));
  EXPECT_EQ(shown(last), "");
}

TEST(TrackUpdate, NothingChanged) {
  const api::Object live = stored(minimal);
  api::Object next = live;
  track_update(live, next, writer("other", 2));
  EXPECT_EQ(shown(next), shown(live));
  next.as<api::core_v1::Pod>().metadata.managed_fields.clear();  // a client that does not know them
  track_update(live, next, writer("other", 2));
  EXPECT_EQ(shown(next), shown(live));
}

TEST(TrackUpdate, Untracked) {
  api::Object live = pod(minimal);
  live.as<api::core_v1::Pod>().metadata.uid = "u";
  api::Object next = live;
  next.as<api::core_v1::Pod>().metadata.labels["a"] = "1";
  track_update(live, next, writer("other"));
  EXPECT_EQ(shown(next), "");
}

TEST(TrackUpdate, ResetByTheClient) {
  const api::Object live = stored(minimal);
  api::Object next = live;
  next.as<api::core_v1::Pod>().metadata.managed_fields.assign(1, {});
  track_update(live, next, writer("other", 2));
  EXPECT_EQ(shown(next), "");
}

TEST(TrackUpdate, StatusIsAnotherEntry) {
  const std::string_view status_paths[] = {"status"};
  const std::string_view main_paths[] = {"spec", "metadata"};
  const FieldSet not_status = field_set_of(status_paths);
  const FieldSet only_status = field_set_of(main_paths);
  api::Object live = pod(minimal);
  FieldWriter create = writer("a", 1);
  create.reset_fields = &not_status;
  track_update(pod("{}"), live, create);
  live.as<api::core_v1::Pod>().metadata.uid = "u";
  api::Object next = live;
  next.as<api::core_v1::Pod>().status.phase = "Running";
  next.as<api::core_v1::Pod>().spec.hostname = "ignored";
  FieldWriter update = writer("a", 2);
  update.subresource = "status";
  update.reset_fields = &only_status;
  track_update(live, next, update);
  EXPECT_EQ(shown(next), std::string("a/Update@1 ") + minimal_fields + "\na/Update/status@2 {\"f:status\":{\"f:phase\":{}}}\n");
}

TEST(TrackUpdate, OldUpdatersAreMerged) {
  api::Object live = stored(R"({"metadata":{"labels":{"l":"x"}}})", "m00");
  for (int i = 1; i <= 12; ++i) {
    api::Object next = live;
    next.as<api::core_v1::Pod>().metadata.labels["l" + std::to_string(i)] = "x";
    const std::string manager = (i < 10 ? "m0" : "m") + std::to_string(i);
    track_update(live, next, writer(manager, 1 + i));
    live = next;
  }
  const auto& entries = live.as<api::core_v1::Pod>().metadata.managed_fields;
  ASSERT_EQ(entries.size(), update_managers_max);
  EXPECT_EQ(entries[0].manager, "ancient-changes");
  EXPECT_EQ(entries[0].fields_v_1->raw, R"({"f:metadata":{"f:labels":{".":{},"f:l":{},"f:l1":{},"f:l2":{},"f:l3":{}}}})");
  EXPECT_EQ(entries[9].manager, "m12");
}

struct ApplyRun {
  Value live = json(R"({"metadata":{"name":"p","uid":"u","labels":{"keep":"1"}},"spec":{"containers":[{"name":"c","image":"i"}]}})");
  const TypeSchema schema{pod_type()};

  ApplyRun() {
    const Value base = json(R"({"metadata":{},"spec":{"containers":null}})");
    track_update(schema, base, live, writer("creator", 1));
  }
  Result<Applied> run(std::string_view manager, std::string_view config, int64_t seconds, bool force = false) {
    FieldWriter who = writer(manager, seconds);
    who.force = force;
    auto applied = apply_config(schema, live, json(config), who);
    if (applied) live = applied->object;
    return applied;
  }
  std::string labels() const { return codec::to_json(*live.find("metadata")->find("labels")); }
  std::string managers() const {
    std::string out;
    for (const Value& entry : live.find("metadata")->find("managedFields")->as_array()) out += std::string(entry.string_at("manager")) + " ";
    return out;
  }
};

TEST(Apply, OwnsConflictsForcesAndDrops) {
  ApplyRun server;
  ASSERT_TRUE(server.run("a", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"owner":"a","x":"1"}}})", 2));
  EXPECT_EQ(server.labels(), R"({"keep":"1","owner":"a","x":"1"})");

  const auto conflict = server.run("b", R"({"metadata":{"labels":{"owner":"b"}}})", 3);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().http(), 409);
  ASSERT_EQ(conflict.error().details.causes.size(), 1u);
  EXPECT_EQ(conflict.error().details.causes[0], (StatusCause{"FieldManagerConflict", "conflict with \"a\"", ".metadata.labels.owner"}));

  ASSERT_TRUE(server.run("b", R"({"metadata":{"labels":{"owner":"b"}}})", 4, true));
  EXPECT_EQ(server.labels(), R"({"keep":"1","owner":"b","x":"1"})");
  ASSERT_TRUE(server.run("a", R"({"metadata":{"labels":{"y":"1"}}})", 5));  // x was a's alone, owner is b's now
  EXPECT_EQ(server.labels(), R"({"keep":"1","owner":"b","y":"1"})");
  EXPECT_EQ(server.managers(), "b a creator ");
}

TEST(Apply, WithoutChangeKeepsNoTime) {
  ApplyRun server;
  const auto applied = server.run("whole", R"({"spec":{"containers":[{"name":"c","image":"i"}]}})", 9);
  ASSERT_TRUE(applied);
  EXPECT_FALSE(applied->changed);
  const Value& first = server.live.find("metadata")->find("managedFields")->as_array()[0];
  EXPECT_EQ(first.string_at("manager"), "whole");
  EXPECT_EQ(first.find("time"), nullptr);
  EXPECT_EQ(codec::to_json(*first.find("fieldsV1")), R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}})");
}

TEST(Apply, SharedFieldsStay) {
  ApplyRun server;
  ASSERT_TRUE(server.run("a", R"({"metadata":{"labels":{"s":"1"}}})", 2));
  ASSERT_TRUE(server.run("b", R"({"metadata":{"labels":{"s":"1"}}})", 3));
  ASSERT_TRUE(server.run("a", R"({"metadata":{"name":"p"}})", 4));
  EXPECT_EQ(server.labels(), R"({"keep":"1","s":"1"})");
  ASSERT_TRUE(server.run("b", R"({"metadata":{"name":"p"}})", 5));
  EXPECT_EQ(server.labels(), R"({"keep":"1"})");
}

TEST(Apply, ListsByKey) {
  ApplyRun server;
  ASSERT_TRUE(server.run("a", R"({"spec":{"containers":[{"name":"side","image":"s","ports":[{"containerPort":80}]}]}})", 2));
  EXPECT_EQ(codec::to_json(*server.live.find("spec")),
            R"({"containers":[{"image":"i","name":"c"},{"image":"s","name":"side","ports":[{"containerPort":80}]}]})");
  const Value& entry = server.live.find("metadata")->find("managedFields")->as_array()[0];
  EXPECT_EQ(
      codec::to_json(*entry.find("fieldsV1")),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"side\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}})");
  ASSERT_TRUE(server.run("a", R"({"spec":{"hostname":"h"}})", 3));
  EXPECT_EQ(codec::to_json(*server.live.find("spec")), R"({"containers":[{"image":"i","name":"c"}],"hostname":"h"})");
}

TEST(Apply, RefusesManagedFieldsAndDoubles) {
  ApplyRun server;
  EXPECT_EQ(server.run("a", R"({"metadata":{"managedFields":[]}})", 2).error().http(), 400);
  EXPECT_FALSE(server.run("a", R"({"spec":{"containers":[{"name":"c"},{"name":"c"}]}})", 2));
}

TEST(Apply, BeforeFirstApply) {
  const TypeSchema schema(pod_type());
  const Value live = json(R"({"metadata":{"name":"p","uid":"u","labels":{"k":"1"}}})");
  const auto applied = apply_config(schema, live, json(R"({"metadata":{"labels":{"k":"1","n":"2"}}})"), writer("a", 5));
  ASSERT_TRUE(applied);
  const auto& entries = applied->object.find("metadata")->find("managedFields")->as_array();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].string_at("manager"), "before-first-apply");
  EXPECT_EQ(codec::to_json(*entries[1].find("fieldsV1")), R"({"f:metadata":{"f:labels":{".":{},"f:k":{}}}})");
}

TEST(Apply, BeforeFirstApplyLeavesOutWhatIsReset) {
  const TypeSchema schema(pod_type());
  const std::string_view paths[] = {"spec"};
  const FieldSet reset = field_set_of(paths);
  FieldWriter who = writer("a", 5);
  who.reset_fields = &reset;
  const Value live = json(R"({"metadata":{"uid":"u"},"spec":{"hostname":"h"}})");
  const auto applied = apply_config(schema, live, json(R"({"metadata":{"name":"p"},"spec":{"hostname":"g"}})"), who);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->object.find("metadata")->find("managedFields"), nullptr);
}

TEST(TrackUpdate, WithoutATime) {
  api::Object created = pod(R"({"metadata":{"labels":{"a":"1"}}})");
  FieldWriter who = writer("a");
  who.now = {};
  track_update(pod("{}"), created, who);
  EXPECT_EQ(shown(created), "a/Update {\"f:metadata\":{\"f:labels\":{\".\":{},\"f:a\":{}}}}\n");
}

TEST(Apply, KubectlTakesOverItsClientSideFields) {
  ApplyRun server;
  server.live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"keep":"1"}}})";
  ASSERT_TRUE(server.run("kubectl", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"keep":"2"}}})", 3));
  EXPECT_EQ(server.labels(), R"({"keep":"2"})");
  EXPECT_EQ(server.live.find("metadata")->find("annotations")->string_at("kubectl.kubernetes.io/last-applied-configuration"),
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"keep\":\"2\"},\"name\":\"p\"}}\n");
  ApplyRun other;
  EXPECT_FALSE(other.run("kubectl", R"({"metadata":{"name":"p","labels":{"keep":"2"}}})", 3));
}

void check_merge(std::string_view live, std::string_view config, std::string_view expected) {
  const TypeSchema schema(pod_type());
  const auto merged = merge_config(schema, json(live), json(config));
  ASSERT_TRUE(merged) << config;
  EXPECT_EQ(codec::to_json(*merged), expected) << config;
}

TEST(MergeConfig, Order) {
  const auto finalizers = [](std::string_view list) { return R"({"metadata":{"finalizers":)" + std::string(list) + "}}"; };
  check_merge(finalizers(R"(["a","b"])"), finalizers(R"(["c"])"), finalizers(R"(["a","b","c"])"));
  check_merge(finalizers(R"(["a","b","c"])"), finalizers(R"(["c","a"])"), finalizers(R"(["b","c","a"])"));
  check_merge(finalizers(R"(["a"])"), finalizers("[]"), finalizers(R"(["a"])"));
  check_merge("{}", finalizers(R"(["a"])"), finalizers(R"(["a"])"));
  check_merge(R"({"spec":{"containers":[{"args":["x"],"name":"c"}]}})", R"({"spec":{"containers":[{"args":["y","z"],"name":"c"}]}})",
              R"({"spec":{"containers":[{"args":["y","z"],"name":"c"}]}})");
}

TEST(ManagerName, FromUserAgent) {
  EXPECT_EQ(manager_name("x", "kubectl/v1"), "x");
  EXPECT_EQ(manager_name("", "kubectl/v1.36.3 (linux/amd64) kubernetes/abc"), "kubectl");
  EXPECT_EQ(manager_name("", "curl/7.88.1"), "curl");
  EXPECT_EQ(manager_name("", ""), "unknown");
  EXPECT_EQ(manager_name("", std::string(300, 'a')).size(), 128u);
}

TEST(TypedCheck, KindsMayBeStatedWhereverTheyStand) {
  const TypeSchema schema(api::type_of<api::apps_v1::StatefulSet>());
  const auto check = [&](std::string_view item, std::string_view why) {
    const std::string config = R"({"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"volumeClaimTemplates":[)" + std::string(item) + "]}}";
    EXPECT_EQ(typed_problems(schema, json(config)), why) << config;
  };
  check(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a"}})", "");
  check(R"({"kind":7})", ".spec.volumeClaimTemplates[0].kind: expected string, got &value.valueUnstructured{Value:7}");
  check(R"({"spec":{"kind":"x"}})", ".spec.volumeClaimTemplates[0].spec.kind: field not declared in schema");
}

TEST(TypedCheck, SaysWhatDoesNotFit) {
  const TypeSchema schema(pod_type());
  const auto check = [&](std::string_view config, std::string_view why) { EXPECT_EQ(typed_problems(schema, json(config)), why) << config; };
  check(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"b":null},"creationTimestamp":null},"spec":{"containers":null}})", "");
  check(R"({"nope":1})", ".nope: field not declared in schema");
  check(R"({"metadata":{"odd":1,"pair":2},"spec":{"zip":1}})",
        "errors:\n  .metadata.odd: field not declared in schema\n  .spec.zip: field not declared in schema");
  check(R"({"metadata":{"labels":{"a":1}}})", ".metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}");
  check(R"({"metadata":{"finalizers":"x"}})", ".metadata.finalizers: expected list, got &{x}");
  check(R"({"metadata":{"finalizers":["a",{"b":1},null,["c"],"a"]}})",
        "errors:\n  .metadata.finalizers: element 1: associative list without keys has an element that's a map type\n"
        "  .metadata.finalizers: element 2: associative list without keys has an element that's an explicit null\n"
        "  .metadata.finalizers: element 3: not supported: associative list with lists as elements\n"
        "  .metadata.finalizers: duplicate entries for key [=\"a\"]");
  check(R"({"spec":{"hostNetwork":1}})", ".spec.hostNetwork: expected boolean, got &{1}");
  check(R"({"spec":{"priority":"x"}})", ".spec.priority: expected numeric (int or float), got string");
  check(R"({"spec":{"priority":[]}})", ".spec.priority: expected numeric (int or float), got []interface {}");
  check(R"({"spec":{"priority":1.5}})", "");
  check(R"({"spec":[{"a":[1.5,true,null],"b":"c"}]})", ".spec: expected map, got &{[map[a:[1.5 true <nil>] b:c]]}");
  check(R"({"spec":{"hostname":{"a":["x",1e30,null,{}]}}})",
        ".spec.hostname: expected string, got &value.valueUnstructured{Value:map[string]interface {}{\"a\":[]interface {}{\"x\", 1e+30, interface "
        "{}(nil), map[string]interface {}{}}}}");
  const auto check_container = [&](std::string_view container, std::string_view why) {
    check(R"({"spec":{"containers":[{"name":"x",)" + std::string(container) + "}]}}", why);
  };
  check_container(R"("command":[1])", ".spec.containers[name=\"x\"].command[0]: expected string, got &value.valueUnstructured{Value:1}");
  check_container(R"("resources":{"limits":{"cpu":1,"memory":"1Gi"}},"livenessProbe":{"httpGet":{"port":"web"}})", "");
  check_container(R"("ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"}])", "");
  check_container(R"("ports":[{"containerPort":80},{"containerPort":80,"protocol":"TCP"}])",
                  ".spec.containers[name=\"x\"].ports: duplicate entries for key [containerPort=80,protocol=\"TCP\"]");
  check(R"({"spec":{"containers":[{"image":"a"},null,1]}})",
        "errors:\n  .spec.containers: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have "
        "default "
        "values for any key fields)\n  .spec.containers: element 1: associative list with keys may not have a null element\n"
        "  .spec.containers: element 2: associative list with keys may not have non-map elements");
  const TypeSchema secret(api::type_of<api::core_v1::Secret>());
  EXPECT_EQ(typed_problems(secret, json(R"({"data":{"a":1}})")), ".data.a: expected string, got &value.valueUnstructured{Value:1}");
}

TEST(TypedCheck, IsBounded) {
  std::string many = R"({"metadata":{"labels":{)";
  for (int i = 0; i < 5000; ++i) many += (i ? ",\"l" : "\"l") + std::to_string(i) + "\":1";
  const std::string problems = typed_problems(TypeSchema(pod_type()), json(many + "}}}"));
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(problems, '\n')), typed_problems_max);
}

}  // namespace
}  // namespace pintle::apimachinery
