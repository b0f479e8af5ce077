#include "controller/objects/revisions.h"

#include <gtest/gtest.h>

#include "client/testing.h"
#include "rt/testing.h"

namespace pintle::controller::objects {
namespace {

constexpr std::string_view label = "controller-revision-hash";

void in_world(std::function<rt::Task<void>(client::testing::FakeServer&, Revisions&, RevisionOwner)> steps) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    client::testing::FakeServer server;
    const auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers(*client);
    Revisions revisions(*client, informers, "test");
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
    const auto current = co_await revisions.ensure(rt::Context::background(), owner, std::string(label));
    CHECK(current.has_value(), "the server takes it");
    const std::string wanted = *make_revision(owner, 1, label).metadata.labels.get(label);
    const std::string* found = current->revision->metadata.labels.get(label);
    CHECK(found != nullptr, "it has its label");
    EXPECT_EQ(*found, wanted);
    const auto writes = server.written("PUT", "/controllerrevisions/" + current->revision->metadata.name);
    CHECK(writes.size() == 1, "one write");
    EXPECT_EQ(*writes[0].as<ControllerRevision>().metadata.labels.get(label), wanted);
    EXPECT_EQ(writes[0].as<ControllerRevision>().revision, 1);
  });
}

}  // namespace
}  // namespace pintle::controller::objects
