// Field sets and managers that are meant to take time or memory out of proportion.
#include <gtest/gtest.h>

#include <string>

#include "api/gen/core_v1.h"
#include "apimachinery/apply/conflicts.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/apply/field_set.h"
#include "codec/cpu_testing.h"
#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

using codec::cpu_seconds;
using codec::hostile_seconds_max;
using codec::Value;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(HostileFields, OneFieldManyTimes) {
  std::string flat = "{", deep = "{";
  for (int i = 0; i < 150000; ++i) flat += "\"f:a\":{},";
  for (int i = 0; i < 60000; ++i) deep += "\"f:a\":{\"f:" + std::to_string(1000000 - i) + "\":{}},";
  flat.back() = deep.back() = '}';
  EXPECT_LT(cpu_seconds([&] {
              const auto set = FieldSet::parse_fields_v1(flat);
              ASSERT_TRUE(set.has_value());
              EXPECT_EQ(set->to_fields_v1(), "{\"f:a\":{}}");
              const auto below = FieldSet::parse_fields_v1(deep);
              ASSERT_TRUE(below.has_value());
              EXPECT_EQ(below->nodes()[0].children.nodes().size(), 60000u);
            }),
            hostile_seconds_max);
  EXPECT_FALSE(FieldSet::parse_fields_v1(repeated("{\"f:a\":", 100000)).has_value());
}

FieldSet set_of(std::string_view json) {
  auto set = FieldSet::parse_fields_v1(json);
  EXPECT_TRUE(set.has_value());
  return set ? std::move(*set) : FieldSet();
}

TEST(FieldSet, UnitedIsTheUnionOfAll) {
  EXPECT_EQ(FieldSet::united({}).to_fields_v1(), "{}");
  std::vector<FieldSet> sets;
  FieldSet wanted;
  for (int i = 0; i < 13; ++i) {
    sets.push_back(set_of("{\"f:s" + std::to_string(i % 5) + "\":{\"f:" + std::to_string(i) + "\":{}}}"));
    wanted.unite(sets.back());
  }
  EXPECT_EQ(FieldSet::united(std::move(sets)), wanted);
}

TEST(FieldSet, SubtractFromAndByLargeSets) {
  std::string all = "{";
  for (int i = 100; i < 1000; ++i) all += "\"f:" + std::to_string(i) + "\":{},";
  all.back() = '}';
  FieldSet large = set_of(all), small = set_of(R"({"f:099":{},"f:500":{},"f:999":{},"f:9990":{}})");
  FieldSet left = small;
  left.subtract(large);
  EXPECT_EQ(left.to_fields_v1(), R"({"f:099":{},"f:9990":{}})");
  EXPECT_TRUE(small.intersects(large));
  EXPECT_FALSE(left.intersects(large));
  FieldSet rest = large;
  rest.subtract_recursively(small);
  EXPECT_EQ(rest.nodes().size(), 898u);
}

// A configmap with so many managers of one field each, or of all of them.
Value live_of(int managers, int fields, int fields_each) {
  Value live;
  live["apiVersion"] = "v1";
  live["kind"] = "ConfigMap";
  live["metadata"]["uid"] = "u";
  Value::Object data;
  for (int i = 0; i < fields; ++i) data.append(std::to_string(100000 + i)) = "x";
  live["data"] = Value(std::move(data));
  Value::Array entries;
  for (int i = 0; i < managers; ++i) {
    std::string owned = "{\"f:data\":{";
    for (int k = 0; k < fields_each; ++k) owned += (k == 0 ? "\"f:" : ",\"f:") + std::to_string(100000 + (i + k) % fields) + "\":{}";
    Value entry;
    entry["manager"] = "m" + std::to_string(i);
    entry["operation"] = "Apply";
    entry["apiVersion"] = "v1";
    entry["fieldsType"] = "FieldsV1";
    entry["fieldsV1"] = *codec::parse_json(owned + "}}");
    entries.push_back(std::move(entry));
  }
  live["metadata"]["managedFields"] = Value(std::move(entries));
  return live;
}

TEST(HostileFields, ManyManagersAndFields) {
  const TypeSchema schema(api::type_of<api::core_v1::ConfigMap>());
  FieldWriter writer;
  writer.manager = "attacker";
  writer.api_version = "v1";
  writer.now.seconds = 1;
  const auto apply = [&](const Value& live, bool force, int fields) {
    Value config;
    config["apiVersion"] = "v1";
    config["kind"] = "ConfigMap";
    Value::Object data;
    for (int i = 0; i < fields; ++i) data.append(std::to_string(100000 + i)) = "y";
    config["data"] = Value(std::move(data));
    writer.force = force;
    Result<Applied> applied = error(Reason::Unknown, "");
    EXPECT_LT(cpu_seconds([&] { applied = apply_config(schema, live, config, writer); }), hostile_seconds_max) << force << " " << fields;
    return applied;
  };
  EXPECT_TRUE(apply(live_of(1000, 60000, 1), true, 60000).has_value());
  EXPECT_TRUE(apply(live_of(200, 500, 500), true, 500).has_value());
  // As many conflicts as managers times fields, of which only so many are told.
  const auto refused = apply(live_of(200, 500, 500), false, 500);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().http(), 409);
  EXPECT_LE(refused.error().details.causes.size(), conflicts_max);
  EXPECT_LT(refused.error().message.size(), conflicts_bytes_max * 2);
}

TEST(HostileFields, SentManagersAreBounded) {
  using api::core_v1::ConfigMap;
  api::Object live(api::type_of<ConfigMap>());
  live.as<ConfigMap>().metadata.uid = "u";
  api::Object sent = live;
  for (int i = 0; i < 30000; ++i) {
    auto& entry = sent.as<ConfigMap>().metadata.managed_fields.emplace_back();
    entry.manager = "m" + std::to_string(i);
    entry.operation = "Update";
    entry.api_version = "v1";
    entry.fields_type = "FieldsV1";
    entry.fields_v_1 = api::FieldsV1{"{\"f:data\":{\"f:a\":{}}}"};
  }
  sent.as<ConfigMap>().data["a"] = "x";
  FieldWriter writer;
  writer.manager = "w";
  writer.api_version = "v1";
  writer.now.seconds = 1;
  EXPECT_LT(cpu_seconds([&] { track_update(live, sent, writer); }), hostile_seconds_max);
  EXPECT_LE(sent.as<ConfigMap>().metadata.managed_fields.size(), update_managers_max + 1);
}

}  // namespace
}  // namespace pintle::apimachinery
