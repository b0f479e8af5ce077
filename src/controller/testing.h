// For tests of one controller: it alone, against a FakeServer, in simulated time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/testing.h"
#include "controller/framework/controller.h"
#include "controller/pods/pod_store.h"
#include "rt/testing.h"

namespace pintle::controller::testing {

struct World {
  client::testing::FakeServer server;
  std::unique_ptr<client::Client> client = client::testing::connect(rt::Executor::current().runtime(), server);
  client::Informers informers{*client};
  client::EventRecorder events{*client, {"test", ""}};
  pods::PodStore pods{informers};
  ControllerOptions options;
  component::metrics::Registry metrics;
  Families families{&metrics};
  HostDirectories* host_directories = nullptr;
  std::unique_ptr<Controller> controller;

  // The controller at work, after its first lists.
  rt::Task<void> start(std::unique_ptr<Controller> (*make)(ControllerDeps)) {
    ControllerDeps deps{"test", rt::Executor::current().runtime(), *client, informers, events, pods, options, families};
    deps.host_directories = host_directories;
    controller = make(std::move(deps));
    informers.start();
    auto synced = co_await informers.wait_synced(rt::Context::background());
    CHECK(synced.has_value(), "the server answers");
    controller->start();
  }
  rt::Task<void> stop() {
    co_await controller->stop();
    co_await informers.stop();
    co_await events.stop();
    co_await client->close();
  }
  // Whether the page of metrics has this line.
  bool tells(std::string_view line) const { return ("\n" + metrics.write()).contains("\n" + std::string(line) + "\n"); }
  // The message of the first event of that reason; "": none.
  std::string event(std::string_view reason) const {
    for (const auto& write : server.written("POST", "/events"))
      if (const auto event = write.as<api::core_v1::Event>(); event.reason == reason) return event.message;
    return "";
  }
};

inline rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

inline void in_world(std::function<rt::Task<void>(World&)> steps) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    World world;
    co_await steps(world);
    co_await world.stop();
  });
}

}  // namespace pintle::controller::testing
