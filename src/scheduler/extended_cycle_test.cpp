// Extenders that answer, object, hang, lie and bind, over the simulated network.
#include <gtest/gtest.h>

#include <functional>

#include "codec/json.h"
#include "codec/value.h"
#include "net/server.h"
#include "scheduler/testing/world.h"

namespace pintle::scheduler {
namespace {

using codec::Value;
using testing::World;

// Answers each verb as the test says; a verb of which it says nothing never answers.
class Outside final : public net::Handler {
 public:
  std::map<std::string, std::function<std::string(const Value&)>> verbs;  // by path; "500": that status
  std::map<std::string, int> asked;

  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    auto body = co_await net::read_all(ctx, *request.body, 1 << 20);
    ++asked[request.path];
    const auto verb = verbs.find(request.path);
    if (verb == verbs.end()) {
      (void)co_await rt::sleep_for(ctx, std::chrono::hours(1));
      co_return;
    }
    const auto value = codec::parse_json(body ? body->view() : std::string_view());
    std::string text = verb->second(value ? *value : Value());
    const int status = text == "500" ? 500 : 200;
    (void)co_await net::respond(writer, status, "application/json", Bytes(std::move(text)));
  }
};

std::vector<std::string> names_in(const Value& request) {
  std::vector<std::string> out;
  for (const Value& name : request.find("NodeNames")->as_array()) out.push_back(name.as_string());
  return out;
}
std::string passing(const std::vector<std::string>& names) {
  Value out;
  Value::Array list;
  for (const std::string& name : names) list.emplace_back(name);
  out["NodeNames"] = std::move(list);
  return codec::to_json(out);
}

using Spec = api::kubeschedulerconfig_v1::Extender;

// Three nodes and one extender, changed by `change` before the scheduler starts.
void with_extender(std::function<void(Spec&)> change, std::function<rt::Task<void>(World&, Outside&)> steps) {
  testing::in_world([&](World& world) -> rt::Task<void> {
    Outside outside;
    net::ServerOptions options;
    options.listen = {"127.0.0.1", 0};
    auto server = net::make_server(rt::Executor::current().runtime(), outside, options);
    const auto started = co_await server->start();
    CHECK(started, "a server");
    for (const char* name : {"n1", "n2", "n3"}) world.add_node(name);
    config::SchedulerConfig config = config::default_config();
    Spec spec;
    spec.url_prefix = "http://" + rt::to_string(server->local()) + "/";
    spec.node_cache_capable = true;
    change(spec);
    config.extenders.push_back(spec);
    world.start(std::move(config));
    co_await steps(world, outside);
    co_await world.scheduler->stop();
    co_await server->drain(std::chrono::seconds(1));
  });
}

TEST(Extenders, FilterAndScore) {
  const auto change = [](Spec& spec) {
    spec.filter_verb = "filter";
    spec.prioritize_verb = "prioritize";
    spec.weight = 1;
  };
  with_extender(change, [](World& world, Outside& outside) -> rt::Task<void> {
    outside.verbs["/filter"] = [](const Value& request) {
      std::vector<std::string> names = names_in(request);
      std::erase(names, "n1");
      return passing(names);
    };
    outside.verbs["/prioritize"] = [](const Value&) {
      return std::string(R"([{"Host":"n2","Score":1},{"Host":"n3","Score":10},{"Host":"gone","Score":99}])");
    };
    for (const char* name : {"a", "b", "c"}) world.add_pod(name, 100);
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(co_await world.node_of(name), "n3") << name;
    EXPECT_EQ(outside.asked["/filter"], 3);
    EXPECT_EQ(outside.asked["/prioritize"], 3);
  });
}

TEST(Extenders, WhatTheyObjectToIsTold) {
  with_extender(
      [](Spec& spec) { spec.filter_verb = "filter"; },
      [](World& world, Outside& outside) -> rt::Task<void> {
        bool willing = false;
        outside.verbs["/filter"] = [&willing](const Value& request) {
          if (willing) return passing(names_in(request));
          return std::string(R"({"NodeNames":[],"FailedNodes":{"n1":"no gpu","n2":"no gpu"},"FailedAndUnresolvableNodes":{"n3":"no driver"}})");
        };
        world.add_pod("a", 100);
        (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(2));
        const auto patches = world.server.written("PATCH", "/pods/a/status");
        EXPECT_FALSE(patches.empty());
        const std::string text = patches.empty() ? "" : std::string(patches.back().body.view());
        EXPECT_NE(text.find("0/3 nodes are available: 1 no driver, 2 no gpu."), std::string::npos) << text;
        EXPECT_TRUE(world.has_sample(R"(scheduler_unschedulable_pods{plugin="Extender",profile="default-scheduler"} 1)"));
        willing = true;
        world.add_node("n4");  // any change may change its mind
        EXPECT_FALSE((co_await world.node_of("a")).empty());
      });
}

// Who waits for an extender that hangs keeps nobody waiting in whom it has no interest; when it is ignorable, it is passed over.
TEST(Extenders, ThatHang) {
  for (const bool ignorable : {true, false}) {
    const auto change = [ignorable](Spec& spec) {
      spec.filter_verb = "filter";
      spec.managed_resources.push_back({"example.com/gpu", true});
      spec.http_timeout.nanos = 3'000'000'000;
      spec.ignorable = ignorable;
    };
    with_extender(change, [ignorable](World& world, Outside& outside) -> rt::Task<void> {
      const auto wants_gpu = [](Pod& pod) { pod.spec.containers[0].resources.limits["example.com/gpu"] = api::Quantity::from_int(1); };
      const auto start = rt::Executor::current().runtime().clock().now();
      for (const char* name : {"gpu1", "gpu2"}) world.add_pod(name, 100, wants_gpu);
      for (int i = 0; i < 20; ++i) world.add_pod("plain" + std::to_string(i), 10);
      for (int i = 0; i < 20; ++i) EXPECT_FALSE((co_await world.node_of("plain" + std::to_string(i))).empty());
      const auto took = rt::Executor::current().runtime().clock().now() - start;
      EXPECT_LT(took, std::chrono::seconds(2));
      const std::string node = co_await world.node_of("gpu2");
      EXPECT_EQ(node.empty(), !ignorable);
      if (!ignorable) {
        outside.verbs["/filter"] = [](const Value& request) { return passing(names_in(request)); };
        EXPECT_FALSE((co_await world.node_of("gpu2")).empty()) << "it answers again";
      }
    });
  }
}

TEST(Extenders, ThatLie) {
  for (const char* lie : {R"({"NodeNames":["n1","nowhere"]})", R"({"NodeNames":7})", "no JSON", "500"}) {
    with_extender([](Spec& spec) { spec.filter_verb = "filter"; },
                  [lie](World& world, Outside& outside) -> rt::Task<void> {
                    outside.verbs["/filter"] = [lie](const Value&) { return std::string(lie); };
                    world.add_pod("a", 100);
                    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(30));
                    EXPECT_TRUE(world.pods.at("a").spec.node_name.empty()) << lie;
                    EXPECT_GE(outside.asked["/filter"], 2) << lie;
                    EXPECT_LE(outside.asked["/filter"], 8) << lie << ": with backoff";
                    outside.verbs["/filter"] = [](const Value& request) { return passing(names_in(request)); };
                    EXPECT_FALSE((co_await world.node_of("a")).empty()) << lie;
                  });
  }
}

// What they were shown has changed when they answer: the node that they wanted is gone.
TEST(Extenders, TheClusterChangesMeanwhile) {
  with_extender([](Spec& spec) { spec.filter_verb = "filter"; },
                [](World& world, Outside& outside) -> rt::Task<void> {
                  bool first = true;
                  outside.verbs["/filter"] = [&](const Value& request) {
                    if (!std::exchange(first, false)) return passing(names_in(request));
                    Node node;
                    node.metadata.name = node.metadata.uid = "n2";
                    world.server.remove(node);
                    return passing({"n2"});
                  };
                  world.add_pod("a", 100);
                  const std::string node = co_await world.node_of("a");
                  EXPECT_TRUE(node == "n1" || node == "n3") << node;
                });
}

TEST(Extenders, APodThatGoesMeanwhileIsForgotten) {
  with_extender([](Spec& spec) { spec.filter_verb = "filter"; },
                [](World& world, Outside& outside) -> rt::Task<void> {
                  outside.verbs["/filter"] = [&](const Value& request) {
                    if (world.pods.contains("a")) {
                      world.server.remove(world.pods.at("a"));
                      world.pods.erase("a");
                    }
                    return passing(names_in(request));
                  };
                  world.add_pod("a", 100);
                  world.add_pod("b", 100);
                  EXPECT_FALSE((co_await world.node_of("b")).empty());
                  EXPECT_TRUE(world.server.written("POST", "/pods/a/binding").empty());
                });
}

TEST(Extenders, Bind) {
  const auto change = [](Spec& spec) {
    spec.bind_verb = "bind";
    spec.managed_resources.push_back({"example.com/gpu", true});
  };
  with_extender(change, [](World& world, Outside& outside) -> rt::Task<void> {
    int refused = 0;
    outside.verbs["/bind"] = [&](const Value& request) {
      if (refused++ == 0) return std::string(R"({"Error":"not yet"})");
      Pod& pod = world.pods.at(std::string(request.string_at("PodName")));
      pod.spec.node_name = request.string_at("Node");
      world.server.put(pod);
      return std::string("{}");
    };
    world.add_pod("a", 100, [](Pod& pod) { pod.spec.containers[0].resources.limits["example.com/gpu"] = api::Quantity::from_int(1); });
    world.add_pod("b", 100);
    EXPECT_FALSE((co_await world.node_of("a")).empty());
    EXPECT_FALSE((co_await world.node_of("b")).empty());
    EXPECT_EQ(outside.asked["/bind"], 2);
    EXPECT_TRUE(world.server.written("POST", "/pods/a/binding").empty());
    EXPECT_EQ(world.server.written("POST", "/pods/b/binding").size(), 1u);
  });
}

TEST(Extenders, ChooseWhereToPreempt) {
  const auto change = [](Spec& spec) {
    spec.preempt_verb = "preempt";
    spec.managed_resources.push_back({"example.com/gpu", true});
  };
  with_extender(change, [](World& world, Outside& outside) -> rt::Task<void> {
    for (const char* name : {"v1", "v2", "v3"}) world.add_pod(name, 900);
    std::map<std::string, std::string> on;  // pods by node
    for (const char* name : {"v1", "v2", "v3"}) {
      const std::string node = co_await world.node_of(name);
      on[node] = name;
    }
    outside.verbs["/preempt"] = [&on](const Value&) { return R"({"NodeNameToMetaVictims":{"n2":{"Pods":[{"UID":")" + on["n2"] + R"("}]}}})"; };
    world.add_pod("high", 900, [](Pod& pod) {
      pod.spec.priority = 10;
      pod.spec.containers[0].resources.limits["example.com/gpu"] = api::Quantity::from_int(1);
    });
    EXPECT_EQ(co_await world.node_of("high"), "n2");
    EXPECT_EQ(world.server.written("DELETE", "/pods/" + on["n2"]).size(), 1u);
  });
}

}  // namespace
}  // namespace pintle::scheduler
