// Objects that are meant to take stack, memory or time out of proportion, through the strategies of their kinds.
#include <gtest/gtest.h>

#include <string>

#include "api/defaults.h"
#include "api/gen/apiextensions_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"
#include "api/untrusted.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/request_scope.h"
#include "codec/cpu_testing.h"
#include "codec/limits.h"
#include "codec/stack_testing.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using codec::cpu_seconds;
using codec::hostile_seconds_max;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

const registry::Strategy& strategy_of(std::string_view resource) {
  static const Definitions all = builtin_resources({});
  for (const registry::ResourceDefinition& definition : all)
    if (definition.resource.resource == resource) return *definition.strategy;
  CHECK(false, "no such resource");
}

FieldErrors errors_of(const registry::Strategy& strategy, api::Object& object) {
  const RequestScope scope;
  strategy.set_defaults(object);
  strategy.prepare_for_create(scope, object);
  FieldErrors errors;
  strategy.validate(scope, object, errors);
  return errors;
}

api::Object definition_of(const std::string& schema) {
  api::Object object(api::type_of<api::apiextensions_v1::CustomResourceDefinition>());
  const std::string json =
      R"({"metadata":{"name":"as.example.com"},"spec":{"group":"example.com","scope":"Cluster","names":{"plural":"as","kind":"A"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":)" +
      schema + "}}]}}";
  const auto decoded = api::decode_untrusted_json(json, object.type(), object.data());
  EXPECT_TRUE(decoded.has_value()) << decoded.error().message;
  return object;
}

TEST(HostileDefinitions, NestAsDeepAsADocumentMay) {
  codec::run_on_small_stack([] {
    const struct {
      std::string open, close;
      int levels;
    } ways[] = {{R"({"type":"object","properties":{"a":)", "}}", 2},
                {R"({"type":"array","items":)", "}", 1},
                {R"({"type":"object","additionalProperties":)", "}", 1},
                {R"({"type":"object","not":)", "}", 1},
                {R"({"type":"object","allOf":[)", "]}", 2},
                {R"({"type":"object","anyOf":[)", "]}", 2},
                {R"({"not":{"properties":{"a":)", "}}}", 3},
                {R"({"definitions":{"a":)", "}}", 2}};
    for (const auto& way : ways) {
      const auto n = static_cast<std::size_t>((codec::nesting_max - 10) / way.levels);
      api::Object object = definition_of(repeated(way.open, n) + R"({"type":"string"})" + repeated(way.close, n));
      EXPECT_LT(cpu_seconds([&] {
                  const FieldErrors errors = errors_of(strategy_of("customresourcedefinitions"), object);
                  (void)errors.size();
                }),
                hostile_seconds_max)
          << way.open;
    }
  });
}

TEST(HostileDefinitions, PatternsHaveABudget) {
  std::string properties;
  for (int i = 0; i < 20000; ++i) properties += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + R"(":{"type":"string","pattern":"\\pL{1000}"})";
  api::Object object = definition_of("{\"type\":\"object\",\"properties\":{" + properties + "}}");
  EXPECT_LT(cpu_seconds([&] { EXPECT_GT(errors_of(strategy_of("customresourcedefinitions"), object).size(), 10000u); }), hostile_seconds_max);
  // Those of real definitions are far from it.
  properties.clear();
  for (int i = 0; i < 2000; ++i)
    properties += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) +
                  R"(":{"type":"string","pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"})";
  api::Object ordinary = definition_of("{\"type\":\"object\",\"properties\":{" + properties + "}}");
  EXPECT_EQ(errors_of(strategy_of("customresourcedefinitions"), ordinary).size(), 0u);
}

TEST(HostileDefinitions, KeysAndWhatIsRequired) {
  std::string names;
  for (int i = 0; i < 60000; ++i) names += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\"";
  std::string properties;
  for (int i = 0; i < 20000; ++i) properties += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + R"(":{"type":"string"})";
  api::Object object =
      definition_of(R"({"type":"object","properties":{"l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":[)" + names +
                    R"(],"items":{"type":"object","required":[)" + names + "],\"properties\":{" + properties + "}}}}}");
  EXPECT_LT(cpu_seconds([&] { (void)errors_of(strategy_of("customresourcedefinitions"), object).size(); }), hostile_seconds_max);
}

api::Object pod_of(std::string_view spec) {
  api::Object object(api::type_of<core::Pod>());
  const auto decoded = api::decode_untrusted_json("{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\"},\"spec\":" + std::string(spec) + "}",
                                                  object.type(), object.data());
  EXPECT_TRUE(decoded.has_value()) << decoded.error().message;
  api::apply_defaults(object.type(), object.data());
  return object;
}

// Two lists, each of which is looked up in the other.
TEST(HostilePods, ListsTimesLists) {
  std::string volumes, mounts, devices, ports, image_spaces = R"({"containers":[{"name":"c","image":"  "}]})";
  for (int i = 0; i < 20000; ++i) {
    const std::string n = std::to_string(i), comma = i == 0 ? "" : ",";
    volumes += comma + "{\"name\":\"v" + n + "\",\"emptyDir\":{}}";
    mounts += comma + "{\"name\":\"v" + n + "\",\"mountPath\":\"/m" + n + "\"}";
    devices += comma + "{\"name\":\"d" + n + "\",\"devicePath\":\"/d" + n + "\"}";
    ports += comma + R"({"containerPort":1,"hostIP":"10.0.)" + std::to_string(i / 256) + "." + std::to_string(i % 256) +
             "\",\"hostPort\":" + std::to_string(i + 1) + "}";
  }
  for (const std::string& spec : {"{\"volumes\":[" + volumes + "],\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[" + mounts +
                                      "],\"volumeDevices\":[" + devices + "]}]}",
                                  "{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[" + ports + "]}]}", image_spaces}) {
    api::Object object = pod_of(spec);
    std::vector<std::string> warnings;
    EXPECT_LT(cpu_seconds([&] {
                (void)errors_of(strategy_of("pods"), object).size();
                pod_warnings(object.as<core::Pod>().spec, object.as<core::Pod>().metadata, warnings);
              }),
              hostile_seconds_max)
        << spec.substr(0, 60);
    EXPECT_LE(warnings.size(), 100u);
  }
}

TEST(HostilePods, WarningsAreBounded) {
  std::string ports;
  for (int i = 0; i < 30000; ++i) ports += std::string(i == 0 ? "" : ",") + R"({"containerPort":80})";
  api::Object object = pod_of("{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[" + ports + "]}]}");
  std::vector<std::string> warnings;
  EXPECT_LT(cpu_seconds([&] { pod_warnings(object.as<core::Pod>().spec, object.as<core::Pod>().metadata, warnings); }), hostile_seconds_max);
  EXPECT_EQ(warnings.size(), 100u);
}

TEST(HostilePods, ReferencesInVariables) {
  const std::string name = repeated("$(", 200000);
  api::Object object = pod_of(R"({"containers":[{"name":"c","image":"i","env":[{"name":")" + name + "a\",\"value\":\"x\"},{\"name\":\"" + name +
                              "a\",\"value\":\"" + repeated(name, 2) + "\"}]}]}");
  std::vector<std::string> warnings;
  EXPECT_LT(cpu_seconds([&] { pod_warnings(object.as<core::Pod>().spec, object.as<core::Pod>().metadata, warnings); }), hostile_seconds_max);
}

TEST(HostileEndpoints, RowsDoNotMultiply) {
  core::Endpoints endpoints;
  auto& subset = endpoints.subsets.emplace_back();
  for (int i = 0; i < 20000; ++i) {
    subset.addresses.emplace_back().ip = "10.0.0.1";
    subset.ports.emplace_back().port = i + 1;
  }
  const api::Object object = api::Object::of(endpoints);
  registry::TableCells cells;
  EXPECT_LT(cpu_seconds([&] { strategy_of("endpoints").table_cells(object, cells); }), hostile_seconds_max);
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[1].value.as_string(), "10.0.0.1:1,10.0.0.1:1,10.0.0.1:1 + 399999997 more...");
}

TEST(HostileClaims, NamesDoNotMultiply) {
  api::Object object(api::type_of<api::resource_v1::ResourceClaim>());
  const std::string json = R"({"spec":{"devices":{"requests":[{"name":")" + std::string(1 << 20, 'n') + R"(","firstAvailable":[{"name":"a"})" +
                           repeated(R"(,{"name":"b"})", 100000) + "]}]}}}";
  ASSERT_TRUE(api::decode_untrusted_json(json, object.type(), object.data()).has_value());
  EXPECT_LT(cpu_seconds([&] { EXPECT_FALSE(errors_of(strategy_of("resourceclaims"), object).empty()); }), hostile_seconds_max);
}

}  // namespace
}  // namespace pintle::apiserver::resources
