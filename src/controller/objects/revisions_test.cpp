#include "controller/objects/revisions.h"

#include <gtest/gtest.h>

#include "client/testing.h"
#include "rt/testing.h"
#include "rules/owner_references.h"

namespace pintle::controller::objects {
namespace {

constexpr std::string_view label = "controller-revision-hash";

void in_world(std::function<rt::Task<void>(client::testing::FakeServer&, Revisions&, RevisionOwner)> steps) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    client::testing::FakeServer server;
    const auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers(*client);
    Revisions revisions(*client, informers);
    api::apps_v1::DaemonSet set;
    set.metadata.name = set.metadata.uid = "web";
    set.metadata.namespace_ = "default";
    const RevisionOwner owner{"DaemonSet", &set.metadata, &set.spec.template_, std::nullopt};
    // What stood in the cluster before, its label taken away by somebody.
    ControllerRevision revision = make_revision(owner, 1, label);
    revision.metadata.labels.erase(label);
    server.put(revision);
    informers.start();
    auto synced = co_await informers.wait_synced(rt::Context::background());
    CHECK(synced.has_value(), "the server answers");
    co_await steps(server, revisions, owner);
    co_await informers.stop();
    co_await client->close();
  });
}

TEST(Revisions, ALabelThatIsGoneIsPutBack) {
  in_world([](client::testing::FakeServer& server, Revisions& revisions, RevisionOwner owner) -> rt::Task<void> {
    server.on_write = [&server](const client::testing::FakeServer::Write& write) {
      server.put(write.as<ControllerRevision>());
      return 200;
    };
    for (int round = 0; round < 2; ++round) {
      const auto current = co_await revisions.ensure(rt::Context::background(), owner, std::string(label));
      EXPECT_TRUE(current.has_value());
      (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
    }
    const std::string wanted = *make_revision(owner, 1, label).metadata.labels.get(label);
    const auto current = revisions.of(owner).at(0);
    const auto writes = server.written("PUT", "/controllerrevisions/" + current->metadata.name);
    CHECK(writes.size() == 1, "one write");
    EXPECT_EQ(*writes[0].as<ControllerRevision>().metadata.labels.get(label), wanted);
    EXPECT_EQ(writes[0].as<ControllerRevision>().revision, 1);
  });
}

// A workload that was deleted without its dependents and made again goes on where it was: no pod is replaced.
void adopt_what_was_left(bool seen) {
  rt::testing::run_sim([seen]() -> rt::Task<void> {
    client::testing::FakeServer server;
    const auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers(*client);
    Revisions revisions(*client, informers);
    api::apps_v1::DaemonSet set;
    set.metadata.name = set.metadata.uid = "web";
    set.metadata.namespace_ = "default";
    set.spec.template_.metadata.labels["app"] = "web";
    const RevisionOwner owner{"DaemonSet", &set.metadata, &set.spec.template_, std::nullopt, *apimachinery::LabelSelector::parse("app=web")};
    ControllerRevision left = make_revision(owner, 3, label);
    left.metadata.uid = "left";
    left.metadata.owner_references.clear();
    if (seen) server.put(left);
    ControllerRevision others = left;
    others.metadata.name = others.metadata.uid = "others";
    others.metadata.labels["app"] = "other";
    server.put(others);
    server.on_write = [&](const client::testing::FakeServer::Write& write) {
      ControllerRevision adopted = left;
      adopted.metadata.owner_references.push_back(rules::controller_reference("apps/v1", "DaemonSet", set.metadata));
      if (write.method == "POST") {
        server.put(left);
        return 409;
      }
      server.put(adopted);
      return 200;
    };
    informers.start();
    auto synced = co_await informers.wait_synced(rt::Context::background());
    EXPECT_TRUE(synced.has_value());
    for (int round = 0; round < 2; ++round) {
      const auto current = co_await revisions.ensure(rt::Context::background(), owner, std::string(label));
      EXPECT_TRUE(current.has_value());
      EXPECT_EQ(current ? current->revision->metadata.name : "", left.metadata.name) << round;
    }
    EXPECT_EQ(server.written("PATCH", "/controllerrevisions/" + left.metadata.name).size(), 1u);
    EXPECT_EQ(server.writes.size(), seen ? 1u : 2u) << "none is made, that of others is left alone";
    co_await informers.stop();
    co_await client->close();
  });
}
TEST(Revisions, WhatAFormerOwnerLeftIsAdopted) {
  adopt_what_was_left(true);
  adopt_what_was_left(false);
}

// The collector lets revisions go before the owner, deleted without its dependents, is gone.
TEST(Revisions, AnOwnerOnItsWayOutMakesNoOther) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    client::testing::FakeServer server;
    const auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers(*client);
    Revisions revisions(*client, informers);
    api::apps_v1::StatefulSet set;
    set.metadata.name = set.metadata.uid = "web";
    set.metadata.namespace_ = "default";
    set.metadata.deletion_timestamp.emplace();
    set.spec.template_.metadata.labels["app"] = "web";
    const RevisionOwner owner{"StatefulSet", &set.metadata, &set.spec.template_, std::nullopt, *apimachinery::LabelSelector::parse("app=web")};
    ControllerRevision left = make_revision(owner, 1, label);
    left.metadata.uid = "left";
    left.metadata.owner_references.clear();
    server.put(left);
    informers.start();
    auto synced = co_await informers.wait_synced(rt::Context::background());
    EXPECT_TRUE(synced.has_value());
    const auto current = co_await revisions.ensure(rt::Context::background(), owner, std::string(label));
    EXPECT_TRUE(current.has_value());
    EXPECT_EQ(current ? current->revision->metadata.name : "", left.metadata.name);
    EXPECT_EQ(server.writes.size(), 0u);
    co_await informers.stop();
    co_await client->close();
  });
}

TEST(Revisions, AThousandOfThem) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    client::testing::FakeServer server;
    const auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers(*client);
    Revisions revisions(*client, informers);
    api::apps_v1::StatefulSet set;
    set.metadata.name = set.metadata.uid = "web";
    set.metadata.namespace_ = "default";
    const RevisionOwner owner{"StatefulSet", &set.metadata, &set.spec.template_, std::nullopt};
    for (int i = 1; i <= 1000; ++i) {
      set.spec.template_.metadata.annotations["n"] = std::to_string(i);
      server.put(make_revision(owner, i, label));
    }
    informers.start();
    auto synced = co_await informers.wait_synced(rt::Context::background());
    EXPECT_TRUE(synced.has_value());
    const auto current = co_await revisions.ensure(rt::Context::background(), owner, std::string(label));
    EXPECT_TRUE(current.has_value());
    EXPECT_EQ(current ? current->revision->revision : 0, 1000);
    EXPECT_EQ(server.writes.size(), 0u);
    std::set<std::string> live = {make_revision(owner, 1000, label).metadata.name};
    set.spec.template_.metadata.annotations["n"] = "1";
    live.insert(make_revision(owner, 1, label).metadata.name);  // of a pod that is still there
    auto trimmed = co_await revisions.trim(rt::Context::background(), owner, std::move(live), 10);
    EXPECT_TRUE(trimmed.has_value());
    EXPECT_EQ(server.writes.size(), 988u);
    co_await informers.stop();
    co_await client->close();
  });
}

}  // namespace
}  // namespace pintle::controller::objects
