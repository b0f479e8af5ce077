#include "controller/legacy_token_cleaner/controller.h"

#include "apimachinery/clock_time.h"
#include "apimachinery/identity/service_accounts.h"
#include "controller/testing.h"
#include "controller/testing/text_objects.h"

namespace pintle::controller::legacy_token_cleaner {
namespace {

using namespace testing;
using api::core_v1::ConfigMap;
using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

const std::string path = "/api/v1/namespaces/wire/secrets/t";

Secret old_token() {
  auto out = from_yaml<Secret>("{metadata: {name: t, namespace: wire, uid: s-1}, type: kubernetes.io/service-account-token}");
  out.metadata.annotations[apimachinery::account_name_annotation] = "bot";
  return out;
}

rt::Task<void> begin(World& world) {
  world.options.legacy_token_clean_up_period = std::chrono::hours(24);
  world.server.put(from_yaml<ServiceAccount>("{metadata: {name: bot, namespace: wire, uid: u-1}, secrets: [{name: t}]}"));
  ConfigMap map;
  map.metadata.namespace_ = apimachinery::token_tracking_namespace;
  map.metadata.name = apimachinery::token_tracking_name;
  map.data["since"] = "2000-01-01";
  world.server.put(map);
  co_await world.start(make_legacy_token_cleaner);
  co_await pass(std::chrono::seconds(1));
}

// Marked on the first day, deleted when it has been marked for the period, a day being looked at as a whole.
rt::Task<void> marks_and_removes(World& world) {
  Secret secret = old_token();
  world.server.put(secret);
  co_await begin(world);
  const auto marks = world.server.written("PATCH", path);
  CHECK(marks.size() == 1, "marked once");
  EXPECT_NE(marks[0].body.view().find(apimachinery::invalid_since_label), std::string_view::npos);
  const int64_t now = apimachinery::to_api_time(rt::Executor::current().runtime().clock().wall_now()).seconds;
  secret.metadata.labels[apimachinery::invalid_since_label] = apimachinery::to_day(now);
  world.server.put(secret);
  co_await pass(look_interval);
  EXPECT_TRUE(world.server.written("DELETE", path).empty());
  co_await pass(look_interval);
  EXPECT_EQ(world.server.written("DELETE", path).size(), 1u);
}
TEST(LegacyTokenCleaner, MarksThenRemoves) { in_world(marks_and_removes); }

rt::Task<void> mounted(World& world) {
  world.server.put(old_token());
  // A variable that comes from it counts, which the manager's own pods lack.
  world.server.put(
      from_yaml<api::core_v1::Pod>("{metadata: {name: p, namespace: wire}, spec: {containers: [{name: c, env: [{name: T, valueFrom: "
                                   "{secretKeyRef: {name: t, key: token}}}]}]}}"));
  co_await begin(world);
  co_await pass(look_interval);
  EXPECT_TRUE(world.server.writes.empty());
}
TEST(LegacyTokenCleaner, WhatAPodMountsStays) { in_world(mounted); }

}  // namespace
}  // namespace pintle::controller::legacy_token_cleaner
