#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"

#include <gtest/gtest.h>

#include "apimachinery/openapi/documents.h"
#include "apimachinery/openapi/schemas.h"
#include "codec/json.h"
#include "codec/proto_wire.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

Value without_docs(Value value) {
  if (value.is_object()) {
    auto& members = value.as_object();
    if (const Value* doc = value.find("description"); doc && doc->is_string()) members.erase("description");
    for (auto& [key, member] : members) member = without_docs(std::move(member));
  } else if (value.is_array()) {
    for (Value& item : value.as_array()) item = without_docs(std::move(item));
  }
  return value;
}

template <class T>
void check_definition(Dialect dialect, std::string_view expected) {
  EXPECT_EQ(codec::to_json(without_docs(definition_of(api::type_of<T>(), dialect))), expected);
}

TEST(OpenApi, Definitions) {
  check_definition<api::core_v1::ContainerPort>(
      Dialect::V2,
      R"({"properties":{"containerPort":{"format":"int32","type":"integer"},"hostIP":{"type":"string"},"hostPort":{"format":"int32","type":"integer"},"name":{"type":"string"},"protocol":{"enum":["SCTP","TCP","UDP"],"type":"string"}},"required":["containerPort"],"type":"object"})");
  check_definition<api::core_v1::ContainerPort>(
      Dialect::V3,
      R"({"properties":{"containerPort":{"default":0,"format":"int32","type":"integer"},"hostIP":{"type":"string"},"hostPort":{"format":"int32","type":"integer"},"name":{"type":"string"},"protocol":{"default":"TCP","enum":["SCTP","TCP","UDP"],"type":"string"}},"required":["containerPort"],"type":"object"})");
  check_definition<api::apps_v1::Deployment>(
      Dialect::V2,
      R"({"properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},"spec":{"$ref":"#/definitions/io.k8s.api.apps.v1.DeploymentSpec"},"status":{"$ref":"#/definitions/io.k8s.api.apps.v1.DeploymentStatus"}},"type":"object","x-kubernetes-group-version-kind":[{"group":"apps","kind":"Deployment","version":"v1"}]})");
}

void check_kinds(std::string_view there, std::string_view more, std::string_view expected) {
  Value definition = Value::Object{};
  if (!there.empty()) definition[kinds_key] = *codec::parse_json(there);
  add_kinds(definition, codec::parse_json(more)->as_array());
  const Value* shown = definition.find(kinds_key);
  EXPECT_EQ(shown ? codec::to_json(*shown) : "", expected) << there << " " << more;
}

TEST(OpenApi, KindsThatOthersAdd) {
  const std::string a = R"({"group":"a","kind":"K","version":"v1"})", b = R"({"group":"b","kind":"K","version":"v1"})";
  const auto list = [](const auto&... items) {
    std::string out;
    ((out += (out.empty() ? "" : ",") + items), ...);
    return "[" + out + "]";
  };
  check_kinds(list(b), list(a), list(a, b));
  check_kinds(list(b, a), list(a), list(b, a));  // as it stands, where nothing is new
  check_kinds("", list(b, a, b), list(a, b));
  check_kinds("", "[]", "");
  check_kinds(list(a), R"([7,{"group":"c"},{"group":1,"kind":"K","version":"v1"},null])", list(a));
  check_kinds("7", list(a), "7");
}

TEST(OpenApi, MapTypesOfFields) {
  const auto field = [](const api::Type& type, Dialect dialect, std::string_view name) {
    const Value definition = without_docs(definition_of(type, dialect));
    return codec::to_json(*definition.find("properties")->find(name));
  };
  const api::Type& volume = api::type_of<api::core_v1::PersistentVolumeSpec>();
  EXPECT_EQ(field(volume, Dialect::V2, "claimRef"),
            R"({"$ref":"#/definitions/io.k8s.api.core.v1.ObjectReference","x-kubernetes-map-type":"granular"})");
  EXPECT_EQ(field(volume, Dialect::V3, "claimRef"),
            R"({"allOf":[{"$ref":"#/components/schemas/io.k8s.api.core.v1.ObjectReference"}],"x-kubernetes-map-type":"granular"})");
  EXPECT_EQ(field(api::type_of<api::core_v1::PodSpec>(), Dialect::V2, "nodeSelector"),
            R"({"additionalProperties":{"type":"string"},"type":"object","x-kubernetes-map-type":"atomic"})");
}

TEST(OpenApi, Version3Documents) {
  const auto text = v3_json(served_group_versions(), "apis/apps/v1");
  ASSERT_TRUE(text);
  const auto document = codec::parse_json(*text);
  ASSERT_TRUE(document) << document.error().message;
  const Value* path = document->find("paths")->find("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
  ASSERT_NE(path, nullptr);
  const Value* patch = path->find("patch");
  ASSERT_NE(patch, nullptr);
  EXPECT_EQ(patch->string_at("operationId"), "patchAppsV1NamespacedDeployment");
  bool validates = false;  // kubectl asks for this before it trusts server-side validation
  for (const Value& parameter : patch->find("parameters")->as_array()) validates |= parameter.string_at("name") == "fieldValidation";
  EXPECT_TRUE(validates);
  EXPECT_NE(document->find("components")->find("schemas")->find("io.k8s.api.apps.v1.Deployment"), nullptr);
  EXPECT_FALSE(v3_json(served_group_versions(), "apis/apps/v9"));
}

// Every reference of a document leads somewhere.
void check_references(const Value& value, const Value& definitions, std::string_view prefix) {
  if (value.is_object()) {
    if (const std::string_view ref = value.string_at("$ref"); ref.starts_with(prefix))
      EXPECT_NE(definitions.find(ref.substr(prefix.size())), nullptr) << ref;
    for (const auto& [key, member] : value.as_object()) check_references(member, definitions, prefix);
  } else if (value.is_array()) {
    for (const Value& item : value.as_array()) check_references(item, definitions, prefix);
  }
}

TEST(OpenApi, ReferencesResolve) {
  for (const auto& [name, hash] : v3_hashes(served_group_versions())) {
    const auto document = codec::parse_json(*v3_json(served_group_versions(), name));
    ASSERT_TRUE(document) << name;
    const Value* schemas = document->find("components")->find("schemas");
    check_references(*document, *schemas, "#/components/schemas/");
    EXPECT_EQ(hash.size(), 32u);
  }
  const auto document = codec::parse_json(v2_json(served_group_versions()));
  ASSERT_TRUE(document);
  check_references(*document, *document->find("definitions"), "#/definitions/");
  check_references(*document, *document->find("parameters"), "#/parameters/");
}

TEST(OpenApi, AnAddOnBringsItsDefinitionsAlong) {
  const Served add_ons = add_on_group_versions();
  const std::string base = "io.k8s.metrics.pkg.apis.metrics.v1beta1.";
  const std::vector<std::string> wanted = {"io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
                                           base + "ContainerMetrics",
                                           base + "NodeMetrics",
                                           base + "NodeMetricsList",
                                           base + "PodMetrics",
                                           base + "PodMetricsList"};
  EXPECT_EQ(definition_names(add_ons.front()), wanted) << "and not those that are there anyway";
  for (const std::string& name : wanted) EXPECT_FALSE(is_defined(name)) << name;
  std::vector<ServedGroupVersion> all(served_group_versions().begin(), served_group_versions().end());
  all.insert(all.end(), add_ons.begin(), add_ons.end());
  const auto document = codec::parse_json(v2_json(all));
  ASSERT_TRUE(document);
  check_references(*document, *document->find("definitions"), "#/definitions/");
  EXPECT_NE(document->find("paths")->find("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}"), nullptr);
}

TEST(OpenApi, Index) {
  const auto index = codec::parse_json(v3_index(v3_hashes(served_group_versions())));
  ASSERT_TRUE(index);
  const Value* entry = index->find("paths")->find("apis/apps/v1");
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->string_at("serverRelativeURL").starts_with("/openapi/v3/apis/apps/v1?hash="));
  EXPECT_NE(index->find("paths")->find("version"), nullptr);
}

// The documents of a server: test/integration/custom_resources_openapi_test.py.
TEST(OpenApi, Version3InProtobuf) {
  const auto document = codec::parse_json(
      R"({"openapi":"3.0.0","components":{"schemas":{"a":{"type":"object","default":{}},"b":{"default":0,"minimum":0},"c":{"$ref":"#/x"}}}})");
  ASSERT_TRUE(document);
  EXPECT_EQ(v3_proto(*document).substr(0, 9), std::string("\n\x05"
                                                          "3.0.0\x12\0",
                                                          9));
  EXPECT_NE(v3_proto(*document).find("\x12\x05\n\x03#/x"), std::string::npos);
  EXPECT_NE(v3_proto(*document).find(std::string("\x8a\x02\x09\x09\0\0\0\0\0\0\0\0", 12)), std::string::npos);
}

TEST(OpenApi, ProtobufIsWellFormed) {
  const std::string bytes = v2_proto(served_group_versions());
  codec::ProtoReader reader(bytes);
  std::size_t paths = 0, definitions = 0;
  while (!reader.at_end()) {
    uint32_t number = 0;
    codec::WireType type{};
    ASSERT_TRUE(reader.tag(number, type));
    ASSERT_EQ(type, codec::WireType::Bytes);
    std::string_view body;
    ASSERT_TRUE(reader.bytes(body));
    if (number == 8) paths = body.size();
    if (number == 9) definitions = body.size();
  }
  EXPECT_GT(paths, 100'000u);
  EXPECT_GT(definitions, 100'000u);
}

}  // namespace
}  // namespace pintle::apimachinery::openapi
