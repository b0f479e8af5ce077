#include "client/label_index.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"
#include "client/informers.h"
#include "client/testing.h"
#include "rt/testing.h"

namespace pintle::client {
namespace {

using api::core_v1::Pod;
using api::core_v1::Service;
using apimachinery::LabelSelector;

// Informers that are never started: their stores are filled by hand.
struct Labelled {
  testing::FakeServer server;
  std::unique_ptr<Client> client = testing::connect(rt::Executor::current().runtime(), server);
  Informers informers{*client};

  template <class T>
  Informer<T> with(std::vector<T> objects) {
    auto informer = informers.of<T>();
    for (T& one : objects) {
      std::string key = object_key(one.metadata.namespace_, one.metadata.name);
      informer.any().store().put(std::move(key), std::make_shared<const T>(std::move(one)));
    }
    return informer;
  }
};

template <class T>
T named(const char* ns, const char* name, FlatMap<std::string> labels = {}) {
  T out;
  out.metadata.namespace_ = ns;
  out.metadata.name = name;
  out.metadata.labels = std::move(labels);
  return out;
}

template <class T>
std::string names(const std::vector<std::shared_ptr<const T>>& objects) {
  std::string out;
  for (const auto& one : objects) out += one->metadata.name + " ";
  return out;
}

TEST(LabelIndex, FindsWhatASelectorSelects) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Labelled world;
    auto pods =
        world.with<Pod>({named<Pod>("a", "w1", {{"app", "web"}, {"tier", "x"}}), named<Pod>("a", "w2", {{"app", "web"}}),
                         named<Pod>("a", "d1", {{"app", "db"}, {"tier", "x"}}), named<Pod>("b", "w3", {{"app", "web"}}), named<Pod>("a", "bare")});
    index_labels(pods);
    const auto found = [&](const char* selector) { return names(selected(pods, "a", LabelSelector::parse(selector).value())); };
    EXPECT_EQ(found("app=web"), "w1 w2 ");
    EXPECT_EQ(found("app=web,tier=x"), "w1 ");
    EXPECT_EQ(found("app in (web),tier!=x"), "w2 ");
    EXPECT_EQ(found("tier"), "d1 w1 ");
    EXPECT_EQ(found("app!=web"), "bare d1 ");
    EXPECT_EQ(found("app=absent,tier=x"), "");
    EXPECT_EQ(names(selected(pods, "a", LabelSelector())), "bare d1 w1 w2 ");
    EXPECT_EQ(names(selected(pods, "a", LabelSelector::nothing())), "");
    EXPECT_EQ(rarest_label(pods.any().store(), "a", {{"app", "web"}, {"tier", "y"}}), "a/tier=y");
    co_await world.client->close();
  });
}

TEST(LabelIndex, FindsWhoSelects) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Labelled world;
    Service web = named<Service>("a", "web"), all = named<Service>("a", "all"), other = named<Service>("b", "other");
    web.spec.selector = {{"app", "web"}};
    other.spec.selector = {{"app", "web"}};
    auto services = world.with<Service>({web, all, other, named<Service>("a", "none")});
    index_selectors<Service>(services, [](const Service& service) {
      if (service.metadata.name == "none") return LabelSelector::nothing();
      return LabelSelector::from_set(service.spec.selector);
    });
    EXPECT_EQ(names(perhaps_selecting(services, "a", {{"app", "web"}, {"tier", "x"}})), "all web ");
    EXPECT_EQ(names(perhaps_selecting(services, "a", {{"app", "db"}})), "all ");
    EXPECT_EQ(names(perhaps_selecting(services, "b", {{"app", "web"}})), "other ");
    co_await world.client->close();
  });
}

}  // namespace
}  // namespace pintle::client
