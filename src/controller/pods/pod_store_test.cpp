#include "controller/pods/pod_store.h"

#include <gtest/gtest.h>

#include "client/testing.h"
#include "controller/testing/text_objects.h"
#include "rt/testing.h"

namespace pintle::controller::pods {
namespace {

// The names of the orphans of namespace default that the selector selects.
void check_orphans(const std::string& pods, const std::string& selector, const std::string& want) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    client::testing::FakeServer server;
    const auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    client::Informers informers(*client);
    PodStore store(informers);
    for (const PodPtr& pod : testing::pods_of(pods)) server.put(*pod);
    informers.start();
    auto synced = co_await informers.wait_synced(rt::Context::background());
    EXPECT_TRUE(synced.has_value());
    std::string out;
    for (const PodPtr& pod : store.orphans_selected("default", *apimachinery::LabelSelector::parse(selector)))
      out += (out.empty() ? "" : " ") + pod->metadata.name;
    EXPECT_EQ(out, want) << selector << " of " << pods;
    co_await informers.stop();
    co_await client->close();
  });
}

TEST(PodStore, OrphansThatASelectorSelects) {
  check_orphans("", "a=b", "");
  check_orphans("x label=a:b, y label=a:b owner=o, z label=a:c", "a=b", "x");          // many orphans: by the label
  check_orphans("x label=a:b, y label=a:b owner=o, z label=a:b owner=o", "a=b", "x");  // many with the label: by the orphans
  check_orphans("x label=a:b label=c:d, y label=a:b, z label=a:b label=c:e", "a=b,c notin (e)", "x y");
  check_orphans("x label=a:b, y owner=o", "!c", "x");  // demands no label
}

}  // namespace
}  // namespace pintle::controller::pods
