#include "api/registry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "api/gen/apiextensions_v1.h"
#include "api/gen/core_v1.h"
#include "api/object.h"

namespace pintle::api {
namespace {

// Walks every type reachable from the kinds, once.
void visit(const Type& type, std::set<const Type*>& seen) {
  if (!seen.insert(&type).second) return;
  if (type.elem != nullptr) visit(*type.elem, seen);
  for (const Field& field : type.fields) visit(*field.type, seen);
  for (const Field& field : type.inlined) visit(*field.type, seen);
}

std::set<const Type*> all_types() {
  std::set<const Type*> seen;
  for (const KindInfo& kind : all_kinds()) visit(*kind.type, seen);
  return seen;
}

TEST(Registry, FindsEachKindAndNoOther) {
  for (const KindInfo& kind : all_kinds()) {
    EXPECT_EQ(find_kind(kind.gvk.group, kind.gvk.version, kind.gvk.kind), &kind) << kind.gvk.kind;
    EXPECT_EQ(kind_of(*kind.type), &kind) << kind.gvk.kind;
  }
  EXPECT_EQ(find_kind("", "v1", "Nothing"), nullptr);
  EXPECT_EQ(find_kind("apps", "v1", "Pod"), nullptr);
  EXPECT_EQ(kind_of(type_of<core_v1::PodSpec>()), nullptr);
}

TEST(Registry, KnowsWhereMetadataIs) {
  const KindInfo* pod = find_kind("", "v1", "Pod");
  ASSERT_NE(pod, nullptr);
  EXPECT_EQ(pod->metadata_offset, 0);
  EXPECT_FALSE(pod->is_list);
  EXPECT_TRUE(find_kind("", "v1", "PodList")->is_list);
  EXPECT_EQ(find_kind("", "v1", "DeleteOptions")->metadata_offset, -1);
}

TEST(Tables, FieldsLieInsideTheirStruct) {
  for (const Type* type : all_types()) {
    ASSERT_GT(type->size, 0u) << type->name;
    ASSERT_NE(type->value, nullptr) << type->name;
    for (const Field& field : type->fields) {
      EXPECT_LE(field.offset + field.type->size, type->size) << type->name << "." << field.name;
      EXPECT_EQ(type->find_field(field.name), &field) << type->name << "." << field.name;
    }
    EXPECT_EQ(type->find_field("no such field"), nullptr);
  }
}

TEST(Tables, ProtobufOrderAscends) {
  for (const Type* type : all_types()) {
    for (std::size_t i = 1; i < type->proto_order.size(); ++i) {
      EXPECT_LT(type->proto_field(i - 1).proto, type->proto_field(i).proto) << type->name;
    }
  }
}

// Makes a value of every type, copies it, and exercises the container's operations: under the sanitizers this finds
// an offset or an operation of the wrong type.
TEST(Tables, OperationsFitTheTypes) {
  for (const Type* type : all_types()) {
    Object object(*type);
    void* p = object.data();
    if (type->list != nullptr) {
      type->list->resize(p, 2);
      void* last = type->list->push_back(p);
      EXPECT_EQ(type->list->at(p, 2), last);
      type->list->erase(p, 0);
      EXPECT_EQ(type->list->size(p), 2u);
    } else if (type->map != nullptr) {
      type->map->insert(p, "b");
      void* a = type->map->insert(p, "a");
      EXPECT_EQ(type->map->find(p, "a"), a);
      EXPECT_EQ(type->map->key_at(p, 0), "a");
      EXPECT_TRUE(type->map->erase(p, "a"));
      EXPECT_EQ(type->map->size(p), 1u);
    } else if (type->pointer != nullptr) {
      EXPECT_EQ(type->pointer->get(p), nullptr);
      void* value = type->pointer->emplace(p);
      EXPECT_EQ(type->pointer->get(p), value);
    }
    Object copy(object);
    type->value->swap(copy.data(), p);
    type->value->assign(p, copy.data());
    if (type->list != nullptr) EXPECT_EQ(type->list->size(p), 2u);
    if (type->pointer != nullptr) EXPECT_NE(type->pointer->get(p), nullptr);
  }
}

TEST(Tables, HoldTheFactsOfTheSchema) {
  const Type& pod_spec = type_of<core_v1::PodSpec>();
  EXPECT_EQ(pod_spec.name, "core/v1.PodSpec");
  EXPECT_EQ(pod_spec.openapi_name, "io.k8s.api.core.v1.PodSpec");
  const Field& containers = *pod_spec.find_field("containers");
  EXPECT_EQ(containers.proto, 2u);
  EXPECT_EQ(containers.patch_merge_key, "name");
  EXPECT_EQ(containers.list_kind, ListKind::Map);
  EXPECT_TRUE(containers.required);
  EXPECT_EQ(pod_spec.find_field("restartPolicy")->default_json, "\"Always\"");
  EXPECT_FALSE(pod_spec.find_field("restartPolicy")->default_published);

  const Field& ports = *type_of<core_v1::Container>().find_field("ports");
  ASSERT_EQ(ports.list_map_keys.size(), 2u);
  EXPECT_EQ(ports.list_map_keys[1], "protocol");
  EXPECT_TRUE(type_of<core_v1::ContainerPort>().find_field("protocol")->default_published);
}

TEST(Tables, InlinedStructsAreFlatInJsonAndNestedInProtobuf) {
  const Type& volume = type_of<core_v1::Volume>();
  EXPECT_NE(volume.find_field("configMap"), nullptr);
  EXPECT_EQ(volume.find_field("configMap")->proto, 0u);
  ASSERT_EQ(volume.inlined.size(), 1u);
  EXPECT_EQ(volume.inlined[0].type, &type_of<core_v1::VolumeSource>());
  EXPECT_EQ(volume.proto_field(1).proto, 2u);
  core_v1::Volume v;
  v.config_map.emplace().name = "settings";
  EXPECT_EQ(field_address(&v, *volume.find_field("configMap")), &v.config_map);
}

TEST(Tables, RecursiveTypesCopy) {
  apiextensions_v1::JSONSchemaProps schema;
  schema.properties["a"].properties["b"].type = "string";
  schema.items.emplace().schema.emplace().type = "object";
  apiextensions_v1::JSONSchemaProps copy = schema;
  schema = {};
  EXPECT_EQ(copy.properties["a"].properties["b"].type, "string");
  EXPECT_EQ(copy.items->schema->type, "object");
}

}  // namespace
}  // namespace pintle::api
