// Patches that are meant to take stack, memory or time out of proportion.
#include <gtest/gtest.h>

#include <string>

#include "api/gen/core_v1.h"
#include "apimachinery/patch/json_patch.h"
#include "apimachinery/patch/member_edits.h"
#include "apimachinery/patch/strategic_patch.h"
#include "codec/bounded_json.h"
#include "codec/cpu_testing.h"
#include "codec/json.h"
#include "codec/limits.h"
#include "codec/stack_testing.h"

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

int http_of(const Result<Value>& result) { return result ? 200 : result.error().http(); }

Value json(std::string_view text) {
  auto value = codec::parse_json(text);
  EXPECT_TRUE(value.has_value()) << value.error().message;
  return value ? std::move(*value) : Value();
}

Value operation(std::string_view op, std::string path, Value value = {}) {
  Value out;
  out["op"] = op;
  out["path"] = std::move(path);
  out["value"] = std::move(value);
  return out;
}

Value nested(int depth) {
  Value value;
  for (int i = 0; i < depth; ++i) value = Value(Value::Array{std::move(value)});
  return value;
}

TEST(HostileJsonPatch, DoesNotNestDeeper) {
  codec::run_on_small_stack([] {
    // Each operation adds as much as a document may have, inside what the one before has added.
    Value::Array patch;
    std::string path = "/a";
    for (int i = 0; i < 500; ++i) {
      patch.push_back(operation("add", path, nested(codec::nesting_max - 2)));
      for (int k = 0; k < codec::nesting_max - 2; ++k) path += "/0";
    }
    EXPECT_EQ(http_of(apply_json_patch(Value(Value::Object{}), Value(patch))), 422);
    for (const std::string_view op : {"add", "replace"}) {
      const Value one(Value::Array{operation(op, "/a", nested(codec::nesting_max - 1))}),
          more(Value::Array{operation(op, "/a", nested(codec::nesting_max))});
      EXPECT_EQ(http_of(apply_json_patch(Value(Value::Object{}), one)), 200);
      EXPECT_EQ(http_of(apply_json_patch(Value(Value::Object{}), more)), 422);
    }
  });
}

TEST(HostileJsonPatch, CopiesAndMovesDoNotMultiply) {
  codec::run_on_small_stack([] {
    Value doubling{Value::Array{}}, deepening{Value::Array{}}, moving{Value::Array{}};
    for (int i = 0; i < 5000; ++i) {
      Value copy = operation("copy", "/a/-");
      copy["from"] = "/a";
      doubling.as_array().push_back(copy);
      Value inside = operation("copy", "/a" + repeated("/b", static_cast<std::size_t>(i) + 1));
      inside["from"] = "/a";
      deepening.as_array().push_back(inside);
      Value move = operation("move", "/b/a");
      move["from"] = "/a";
      moving.as_array().push_back(move);
      Value back = operation("move", "/a/b");
      back["from"] = "/b";
      moving.as_array().push_back(back);
    }
    EXPECT_EQ(http_of(apply_json_patch(json(R"({"a":[1]})"), doubling)), 422);
    EXPECT_EQ(http_of(apply_json_patch(json(R"({"a":{}})"), deepening)), 422);
    EXPECT_EQ(http_of(apply_json_patch(json(R"({"a":{},"b":{}})"), moving)), 422);
  });
}

TEST(HostileJsonPatch, WorkHasALimit) {
  Value document;
  Value::Array numbers;
  for (int i = 0; i < 200000; ++i) numbers.emplace_back(i);
  document["a"] = Value(std::move(numbers));
  Value::Object members;
  for (int i = 0; i < 100000; ++i) members.append("k" + std::to_string(1000000 + i)) = 0;
  document["m"] = Value(std::move(members));
  const auto check = [&](const char* what, const std::function<Value(int)>& make, int times, int expected) {
    Value::Array patch;
    for (int i = 0; i < times; ++i) patch.push_back(make(i));
    Value copy = document;
    EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(http_of(apply_json_patch(std::move(copy), Value(std::move(patch)))), expected) << what; }),
              hostile_seconds_max)
        << what;
  };
  const auto move = [](std::string from, std::string to) {
    Value value = operation("move", std::move(to));
    value["from"] = std::move(from);
    return value;
  };
  check(
      "inserts at the front", [](int) { return operation("add", "/a/0", 1); }, 2000, 413);
  check(
      "removes from the front", [](int) { return operation("remove", "/a/0"); }, 2000, 413);
  check(
      "adds before all others", [](int i) { return operation("add", "/m/a" + std::to_string(i), 1); }, 5000, 413);
  check(
      "removes of the first member", [](int i) { return operation("remove", "/m/k" + std::to_string(1000000 + i)); }, 5000, 413);
  check(
      "moves of all there is", [&](int i) { return i % 2 == 0 ? move("/a", "/b") : move("/b", "/a"); }, 5000, 413);
  // What is no more than a patch of its size takes.
  check(
      "appends", [](int) { return operation("add", "/a/-", 1); }, 10000, 200);
  check(
      "replaces", [](int i) { return operation("replace", "/a/" + std::to_string(i), 1); }, 10000, 200);
  check(
      "a few at the front", [](int) { return operation("add", "/a/0", 1); }, 40, 200);
  check(
      "tests", [](int) { return operation("test", "/a/0", 0); }, 10000, 200);
}

TEST(HostileMergePatch, IsLinear) {
  Value live, nulls, between;
  Value::Object &have = (live = Value(Value::Object{})).as_object(), &gone = (nulls = Value(Value::Object{})).as_object(),
                &more = (between = Value(Value::Object{})).as_object();
  for (int i = 0; i < 60000; ++i) {
    const std::string key = std::to_string(1000000 + i);
    have.append(key) = "x";
    gone.append(key);
    more.append(key + "x") = "y";
  }
  Value in_new;
  in_new["b"] = nulls;
  EXPECT_LT(cpu_seconds([&] {
              EXPECT_EQ(codec::to_json(*apply_merge_patch(live, nulls)), "{}");
              EXPECT_EQ(codec::to_json(*apply_merge_patch(live, in_new)).size(), codec::to_json(live).size() + 7);
              EXPECT_EQ(apply_merge_patch(live, between)->as_object().size(), 120000u);
              EXPECT_EQ(codec::to_json(*apply_strategic_patch(live, nulls, api::type_of<api::core_v1::Pod>())), "{}");
              EXPECT_EQ(apply_strategic_patch(live, between, api::type_of<api::core_v1::Pod>())->as_object().size(), 120000u);
            }),
            hostile_seconds_max);
}

TEST(HostileStrategicPatch, WorkHasALimit) {
  const api::Type& pod = api::type_of<api::core_v1::Pod>();
  std::string env, many, orders = "{\"spec\":{", directives = "{\"spec\":{", mounts;
  for (int i = 0; i < 20000; ++i) env += (i == 0 ? "" : ",") + ("{\"name\":\"e" + std::to_string(i) + "\",\"value\":\"x\"}");
  for (int i = 0; i < 20000; ++i) many += std::string(i == 0 ? "" : ",") + "{\"name\":\"c\",\"env\":[{\"name\":\"e0\",\"value\":\"y\"}]}";
  for (int i = 0; i < 60000; ++i) {
    const std::string n = std::to_string(i);
    orders += (i == 0 ? "\"" : ",\"") + ("$setElementOrder/a" + n + "\":[]");
    directives += (i == 0 ? "\"" : ",\"") + ("a" + n + "\":{\"$patch\":\"delete\"}");
  }
  const Value live = json("{\"spec\":{\"containers\":[{\"name\":\"c\",\"env\":[" + env + "]}]}}");
  const std::string key(1 << 20, 'm');
  const Value long_key = json("{\"spec\":{\"containers\":[{\"name\":\"c\",\"volumeMounts\":[{\"mountPath\":\"" + key + "\",\"name\":\"v\"}]}]}}");
  const auto check = [&](const char* what, const Value& document, const std::string& patch, int expected) {
    const Value parsed = json(patch);
    EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(http_of(apply_strategic_patch(document, parsed, pod)), expected) << what; }), hostile_seconds_max) << what;
  };
  check("one element again and again", live, "{\"spec\":{\"containers\":[" + many + "]}}", 413);
  std::string by_path;
  for (int i = 0; i < 20000; ++i) by_path += std::string(i == 0 ? "" : ",") + "{\"name\":\"c\",\"volumeMounts\":[{\"mountPath\":\"x\"}]}";
  check("one element with a long key", long_key, "{\"spec\":{\"containers\":[" + by_path + "]}}", 413);
  check("orders", live, orders + "}}", 200);
  check("directives", live, directives + "}}", 200);
  check("a long list", live, "{\"spec\":{\"containers\":[{\"name\":\"c\",\"env\":[" + env + "]}]}}", 200);
  codec::run_on_small_stack([&] {
    std::string deep = "1";
    for (int i = 0; i < codec::nesting_max - 1; ++i) deep = "{\"a\":" + deep + "}";
    const Value document = json(deep);
    EXPECT_EQ(*apply_strategic_patch(document, document, pod), document);
    EXPECT_EQ(*apply_merge_patch(document, document), document);
  });
}

TEST(MemberEdits, AreSeenAtOnceAndPutInPlace) {
  for (const int n : {3, 100}) {  // in place, and all at once
    Value::Object object;
    for (int i = 0; i < n; ++i) object[std::to_string(1000 + 2 * i)] = i;
    MemberEdits edits(object);
    for (int i = 0; i < n; ++i) edits.set(std::to_string(1001 + 2 * i), i);
    edits.erase("1000");
    EXPECT_EQ(edits.find("1000"), nullptr);
    edits.set("1000", "again");
    EXPECT_EQ(edits.find("1000")->as_string(), "again");
    edits.erase("1001");
    EXPECT_EQ(edits.find("1001"), nullptr);
    edits.erase("none");
    edits.finish();
    EXPECT_EQ(object.size(), static_cast<std::size_t>(2 * n - 1));
    EXPECT_EQ(object.get("1000")->as_string(), "again");
    EXPECT_FALSE(object.contains("1001"));
    EXPECT_TRUE(std::is_sorted(object.begin(), object.end(), [](const auto& a, const auto& b) { return a.first < b.first; }));
  }
}

}  // namespace
}  // namespace pintle::apimachinery
