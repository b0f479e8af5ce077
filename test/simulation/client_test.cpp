// The client against a whole API server in this process, under the simulated clock: requests of every kind, informers that
// recover from cut connections, refused connections, expired revisions and a server that has lost its memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "api/gen/apps_v1.h"
#include "api/gen/authentication_v1.h"
#include "api/gen/coordination_v1.h"
#include "api/gen/core_v1.h"
#include "apiserver/testing/in_process.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "client/kubeconfig.h"
#include "client/leader_election.h"
#include "rt/testing.h"

namespace pintle::client {
namespace {

using api::core_v1::ConfigMap;
using api::core_v1::Pod;
using api::core_v1::ServiceAccount;
using apiserver::testing::InProcessServer;
using std::chrono::milliseconds;
using std::chrono::seconds;

const rt::Context background = rt::Context::background();

// A transport whose connections can be cut and refused.
class FaultyTransport final : public net::Transport {
 public:
  explicit FaultyTransport(std::shared_ptr<net::Transport> under) : under_(std::move(under)) {}
  void set(std::shared_ptr<net::Transport> under) { under_ = std::move(under); }
  // Ends every answer that is under way.
  void cut() { std::exchange(connections_, rt::Context::background().child()).cancel(); }
  bool down = false;
  bool answers_expired = false;  // to watches, until a list has been answered
  int requests = 0;
  std::string last_accept;
  std::string last_type;

  rt::Task<Result<net::Response>> send(rt::Context ctx, net::ClientRequest request) override {
    ++requests;
    last_accept = request.headers.get("accept");
    if (down) co_return error(Reason::ServiceUnavailable, "connection refused");
    const bool list = request.url.find("sendInitialEvents") != std::string::npos;
    if (list) answers_expired = false;
    const bool watch = request.url.find("watch=true") != std::string::npos;
    if (watch && answers_expired) co_return error(Reason::Expired, "too old resource version");
    auto response = co_await under_->send(ctx, std::move(request));
    if (response) {
      last_type = response->headers.get("content-type");
      response->body = std::make_unique<Body>(std::move(response->body), connections_);
    }
    co_return response;
  }
  rt::Task<void> close() override { co_await under_->close(); }

 private:
  class Body final : public net::BodyReader {
   public:
    Body(std::unique_ptr<net::BodyReader> under, rt::Context connection) : under_(std::move(under)), connection_(std::move(connection)) {}
    rt::Task<Result<Bytes>> read(rt::Context ctx) override {
      const rt::Context both = ctx.child();
      auto registration = connection_.on_done([both] { both.cancel(); });
      auto piece = co_await under_->read(both);
      if (connection_.done() && !ctx.done()) co_return error(Reason::ServiceUnavailable, "connection reset by peer");
      co_return piece;
    }

   private:
    std::unique_ptr<net::BodyReader> under_;
    rt::Context connection_;
  };
  std::shared_ptr<net::Transport> under_;
  rt::Context connections_ = rt::Context::background().child();
};

rt::Task<std::unique_ptr<InProcessServer>> start_server() {
  apiserver::ApiServerOptions options;
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  co_return std::move(*server);
}

struct World {
  std::unique_ptr<InProcessServer> server;
  std::shared_ptr<FaultyTransport> transport;
  std::unique_ptr<Client> client;
};

std::shared_ptr<net::Transport> transport_to(InProcessServer& server) {
  return net::make_in_process_transport(rt::Executor::current().runtime(), server.server().handler(), "system:admin");
}

// Runs `steps` with a server and a client, under this seed.
void with_world(std::function<rt::Task<void>(World&)> steps, uint64_t seed = 1) {
  rt::testing::run_sim(
      [&]() -> rt::Task<void> {
        World world;
        world.server = co_await start_server();
        world.transport = std::make_shared<FaultyTransport>(transport_to(*world.server));
        world.client = std::make_unique<Client>(rt::Executor::current().runtime(), world.transport, ClientConfig());
        co_await steps(world);
        co_await world.client->close();
        co_await world.server->stop();
      },
      seed);
}

ConfigMap config_map(std::string name, std::string value) {
  ConfigMap map;
  map.metadata.namespace_ = "default";
  map.metadata.name = std::move(name);
  map.data["v"] = std::move(value);
  return map;
}

// Lets time pass until `done` says so; false after three minutes of it.
rt::Task<bool> until(std::function<bool()> done) {
  for (int i = 0; i < 18000; ++i) {
    if (done()) co_return true;
    (void)co_await rt::sleep_for(background, milliseconds(10));
  }
  co_return false;
}

std::string content(const Informer<ConfigMap>& maps) {
  std::string out;
  for (const auto& map : maps.list("default")) {
    if (map->metadata.name == "kube-root-ca.crt") continue;
    const std::string* value = map->data.get("v");
    out += map->metadata.name + "=" + (value ? *value : "") + " ";
  }
  return out;
}

rt::Task<void> write_and_read(World& world) {
  Client& client = *world.client;
  auto made = co_await client.create(background, config_map("one", "1"));
  CHECK(made.has_value(), made ? "" : made.error().message);
  EXPECT_EQ(world.transport->last_type, "application/vnd.kubernetes.protobuf");
  EXPECT_FALSE(made->metadata.uid.empty());
  auto again = co_await client.create(background, config_map("one", "1"));
  CHECK(!again.has_value(), "made twice");
  EXPECT_EQ(again.error().reason, Reason::AlreadyExists);
  EXPECT_EQ(again.error().message, "configmaps \"one\" already exists");
  EXPECT_EQ(again.error().details.name, "one");
  EXPECT_EQ(again.error().details.kind, "configmaps");

  ConfigMap changed = *made;
  changed.data["v"] = "2";
  auto updated = co_await client.update(background, changed);
  CHECK(updated.has_value(), updated ? "" : updated.error().message);
  auto conflict = co_await client.update(background, changed);
  CHECK(!conflict.has_value(), "an old version was taken");
  EXPECT_EQ(conflict.error().reason, Reason::Conflict);

  auto patched = co_await client.patch<ConfigMap>(background, "default", "one", PatchType::Merge, R"({"data":{"w":"3"}})");
  CHECK(patched.has_value(), patched ? "" : patched.error().message);
  EXPECT_EQ(patched->data["w"], "3");
  PatchOptions apply;
  apply.field_manager = "tester";
  apply.force = true;
  auto applied = co_await client.patch<ConfigMap>(background, "default", "one", PatchType::Apply,
                                                  R"({"apiVersion":"v1","kind":"ConfigMap","data":{"x":"4"}})", apply);
  CHECK(applied.has_value(), applied ? "" : applied.error().message);
  EXPECT_EQ(applied->data["x"], "4");

  auto read = co_await client.get<ConfigMap>(background, "default", "one");
  CHECK(read.has_value(), read ? "" : read.error().message);
  EXPECT_EQ(read->data["v"], "2");
  auto missing = co_await client.get<ConfigMap>(background, "default", "two");
  EXPECT_EQ(missing.error().reason, Reason::NotFound);
  auto json = co_await client.ask_json(background, "GET", "/api/v1/namespaces/default/configmaps/one", "", "");
  CHECK(json.has_value(), json ? "" : json.error().message);
  EXPECT_EQ(json->find("data")->string_at("x"), "4");
  auto nowhere = co_await client.ask_json(background, "GET", "/apis/no.such/v1/things", "", "");
  EXPECT_EQ(nowhere.error().reason, Reason::NotFound);
  EXPECT_EQ(nowhere.error().http(), 404);

  DeleteOptions wrong;
  wrong.precondition_uid = "other";
  auto refused = co_await client.remove<ConfigMap>(background, "default", "one", wrong);
  EXPECT_EQ(refused.error().reason, Reason::Conflict);
  auto removed = co_await client.remove<ConfigMap>(background, "default", "one");
  EXPECT_TRUE(removed.has_value());
}

TEST(Client, WritesAndReads) { with_world(write_and_read); }

rt::Task<void> lists(World& world) {
  Client& client = *world.client;
  for (int i = 0; i < 7; ++i) {
    ConfigMap map = config_map("m" + std::to_string(i), "x");
    map.metadata.labels["parity"] = i % 2 ? "odd" : "even";
    auto made = co_await client.create(background, map);
    EXPECT_TRUE(made.has_value());
  }
  ListOptions options;
  options.namespace_name = "default";
  options.label_selector = "parity=odd";
  auto odd = co_await client.list<ConfigMap>(background, options);
  CHECK(odd.has_value(), odd ? "" : odd.error().message);
  EXPECT_EQ(odd->items.size(), 3u);
  EXPECT_FALSE(odd->resource_version.empty());
  options.label_selector = "";
  options.limit = 3;
  std::size_t seen = 0;
  int pages = 0;
  do {
    auto page = co_await client.list<ConfigMap>(background, options);
    CHECK(page.has_value(), page ? "" : page.error().message);
    seen += page->items.size();
    ++pages;
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  EXPECT_GE(seen, 7u);
  EXPECT_GE(pages, 3);

  // The metadata alone, and a collection removed.
  const auto& partial = api::type_of<api::meta_v1::PartialObjectMetadata>();
  ListOptions all;
  all.namespace_name = "default";
  all.label_selector = "parity";
  auto metadata = co_await client.list_objects(background, resource_of<ConfigMap>(), partial, all);
  CHECK(metadata.has_value(), metadata ? "" : metadata.error().message);
  EXPECT_EQ(metadata->items.size(), 7u);
  EXPECT_EQ(metadata->items[0].as<api::meta_v1::PartialObjectMetadata>().metadata.name, "m0");
  EXPECT_EQ(world.transport->last_type.find("application/vnd.kubernetes.protobuf"), 0u) << world.transport->last_type;
  DeleteOptions how;
  auto removed = co_await client.remove_collection(background, resource_of<ConfigMap>(), how, all);
  EXPECT_TRUE(removed.has_value()) << removed.error().message;
  auto rest = co_await client.list_objects(background, resource_of<ConfigMap>(), partial, all);
  EXPECT_EQ(rest->items.size(), 0u);
}

TEST(Client, Lists) { with_world(lists); }

// What handlers are told must add up to what the store holds.
struct Told {
  std::map<std::string, std::string> values;
  int adds = 0, updates = 0, deletes = 0;
  void follow(Informer<ConfigMap> maps) {
    const auto value = [](const ConfigMap& map) { return map.data.get("v") ? *map.data.get("v") : std::string(); };
    Informer<ConfigMap>::Handler handler;
    handler.on_add = [this, value](const auto& map, bool) {
      if (map->metadata.namespace_ != "default") return;
      ++adds;
      EXPECT_TRUE(values.emplace(map->metadata.name, value(*map)).second);
    };
    handler.on_update = [this, value](const auto&, const auto& map) {
      if (map->metadata.namespace_ != "default") return;
      ++updates;
      EXPECT_TRUE(values.contains(map->metadata.name));
      values[map->metadata.name] = value(*map);
    };
    handler.on_delete = [this](const auto& map) {
      if (map->metadata.namespace_ != "default") return;
      ++deletes;
      EXPECT_EQ(values.erase(map->metadata.name), 1u);
    };
    maps.add_handler(std::move(handler));
  }
  std::string content() const {
    std::string out;
    for (const auto& [name, value] : values) {
      if (name != "kube-root-ca.crt") out += name + "=" + value + " ";
    }
    return out;
  }
};

rt::Task<void> set(Client& client, std::string name, std::string value) {
  auto now = co_await client.get<ConfigMap>(background, "default", name);
  if (!now) {
    auto made = co_await client.create(background, config_map(name, value));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    co_return;
  }
  now->data["v"] = value;
  auto put = co_await client.update(background, *now);
  EXPECT_TRUE(put.has_value()) << put.error().message;
}

// Writes through a connection that has no faults.
rt::Task<void> informer_through_faults(World& world) {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  auto direct = connect_in_process(runtime, world.server->server().handler(), "system:admin", ClientConfig());
  co_await set(*direct, "a", "1");
  Informers informers(*world.client);
  auto maps = informers.of<ConfigMap>();
  Told told;
  told.follow(maps);
  informers.start();
  auto synced = co_await informers.wait_synced(background);
  EXPECT_TRUE(synced.has_value());
  EXPECT_EQ(content(maps), "a=1 ");
  EXPECT_TRUE(maps.get("default", "a")->metadata.managed_fields.empty());

  co_await set(*direct, "b", "1");
  co_await set(*direct, "a", "2");
  EXPECT_TRUE(co_await until([&] { return content(maps) == "a=2 b=1 "; })) << content(maps);

  // A cut connection: goes on from the last revision, without a new list.
  int requests = world.transport->requests;
  world.transport->cut();
  co_await set(*direct, "a", "3");
  (void)co_await direct->remove<ConfigMap>(background, "default", "b");
  EXPECT_TRUE(co_await until([&] { return content(maps) == "a=3 "; })) << content(maps);
  EXPECT_EQ(world.transport->requests, requests + 1);

  // Nobody answers for a while; the revision is gone after it: lists again and sees what was missed.
  world.transport->down = true;
  world.transport->cut();
  co_await set(*direct, "c", "1");
  (void)co_await direct->remove<ConfigMap>(background, "default", "a");
  (void)co_await rt::sleep_for(background, seconds(20));
  EXPECT_EQ(content(maps), "a=3 ");
  EXPECT_NE(maps.any().last_error(), nullptr);
  requests = world.transport->requests;
  world.transport->answers_expired = true;
  world.transport->down = false;
  EXPECT_TRUE(co_await until([&] { return content(maps) == "c=1 "; })) << content(maps);
  EXPECT_EQ(maps.any().last_error(), nullptr);
  EXPECT_EQ(told.content(), content(maps));

  // Another server, which knows nothing of the old revisions and has other objects of the same names.
  auto other = co_await start_server();
  auto elsewhere = connect_in_process(runtime, other->server().handler(), "system:admin", ClientConfig());
  co_await set(*elsewhere, "c", "new");
  world.transport->set(transport_to(*other));
  world.transport->answers_expired = true;
  world.transport->cut();
  EXPECT_TRUE(co_await until([&] { return content(maps) == "c=new "; })) << content(maps);
  EXPECT_EQ(told.content(), content(maps));

  // Idle: nothing is asked for.
  requests = world.transport->requests;
  (void)co_await rt::sleep_for(background, std::chrono::minutes(5));
  EXPECT_EQ(world.transport->requests, requests);
  co_await informers.stop();
  co_await direct->close();
  co_await elsewhere->close();
  world.transport->set(transport_to(*world.server));
  co_await other->stop();
}

TEST(Client, InformersRecover) {
  for (uint64_t seed = 1; seed <= 5; ++seed) with_world(informer_through_faults, seed);
}

// A server that restarts again and again, and each time has forgotten what came before, is found each time: waits do not add up over
// outages with working watches between them.
rt::Task<void> short_outages(World& world) {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  auto direct = connect_in_process(runtime, world.server->server().handler(), "system:admin", ClientConfig());
  Informers informers(*world.client);
  auto maps = informers.of<ConfigMap>();
  informers.start();
  (void)co_await informers.wait_synced(background);
  for (int i = 0; i < 6; ++i) {
    world.transport->down = true;
    world.transport->cut();
    world.transport->answers_expired = true;
    (void)co_await rt::sleep_for(background, milliseconds(500));
    const std::string value = std::to_string(i);
    co_await set(*direct, "a", value);
    world.transport->down = false;
    (void)co_await rt::sleep_for(background, seconds(2));
    EXPECT_EQ(content(maps), "a=" + value + " ");
    (void)co_await rt::sleep_for(background, seconds(3));
  }
  co_await informers.stop();
  co_await direct->close();
}

TEST(Client, InformersAreQuickToRecoverFromShortOutages) {
  for (uint64_t seed = 1; seed <= 5; ++seed) with_world(short_outages, seed);
}

rt::Task<void> selections(World& world) {
  Client& client = *world.client;
  Informers informers(client);
  InformerOptions only;
  only.namespace_name = "default";
  only.field_selector = "metadata.name=mine";
  auto mine = informers.of<ConfigMap>("mine", only);
  auto again = informers.of<ConfigMap>("mine", only);
  EXPECT_EQ(&mine.any(), &again.any());
  auto metadata = informers.metadata_of(resource_of<ConfigMap>());
  mine.add_index("value", [](const ConfigMap& map) { return std::vector<std::string>{*map.data.get("v")}; });
  informers.start();
  auto synced = co_await informers.wait_synced(background);
  EXPECT_TRUE(synced.has_value());
  co_await set(client, "mine", "1");
  co_await set(client, "theirs", "1");
  EXPECT_TRUE(co_await until([&] { return metadata.get("default", "theirs") && metadata.get("default", "mine") && mine.size() > 0; }));
  EXPECT_EQ(mine.size(), 1u);
  EXPECT_EQ(mine.by_index("value", "1").size(), 1u);
  // A handler that comes late is told of what is there.
  int late = 0;
  mine.on_any([&](const ConfigMap&) { ++late; });
  EXPECT_EQ(late, 1);
  co_await informers.stop();
}

TEST(Client, SelectionsAndMetadata) { with_world(selections); }

// Every resource that the server serves and the schema knows is in the client's table, and the other way round.
rt::Task<void> compare_resources(World& world) {
  std::map<std::string, bool> served;
  const auto add = [&served](const codec::Value& list) {
    const std::string version(list.string_at("groupVersion"));
    for (const auto& one : list.find("resources")->as_array()) {
      if (one.string_at("name").find('/') == std::string_view::npos) {
        served[version + " " + std::string(one.string_at("name")) + " " + std::string(one.string_at("kind"))] = one.find("namespaced")->as_bool();
      }
    }
  };
  auto core = co_await world.client->ask_json(background, "GET", "/api/v1", "", "");
  add(*core);
  auto groups = co_await world.client->ask_json(background, "GET", "/apis", "", "");
  for (const auto& group : groups->find("groups")->as_array()) {
    for (const auto& version : group.find("versions")->as_array()) {
      const std::string path = "/apis/" + std::string(version.string_at("groupVersion"));
      auto list = co_await world.client->ask_json(background, "GET", path, "", "");
      add(*list);
    }
  }
  std::map<std::string, bool> known;
  for (const Resource* resource : builtin_resources()) {
    if (resource->group != "metrics.k8s.io") known[resource->api_version() + " " + resource->name + " " + resource->kind] = resource->namespaced;
  }
  for (const auto& [name, namespaced] : served) {
    EXPECT_TRUE(known.contains(name)) << name;
    EXPECT_EQ(known[name], namespaced) << name;
  }
}

TEST(Client, KnowsWhatIsServed) { with_world(compare_resources); }

std::string events_about(const std::vector<api::core_v1::Event>& events) {
  std::vector<std::string> lines;
  for (const auto& one : events) {
    if (one.involved_object.kind == "ConfigMap") lines.push_back(one.reason + "x" + std::to_string(one.count) + " " + one.message);
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& line : lines) out += line + "; ";
  return out;
}

rt::Task<void> record_events(World& world) {
  Client& client = *world.client;
  auto made = co_await client.create(background, config_map("about", "1"));
  EventSource source;
  source.component = "tester";
  EventRecorder recorder(client, source);
  for (int i = 0; i < 3; ++i) {
    recorder.warning(*made, "Again", "the same");
    (void)co_await rt::sleep_for(background, seconds(1));
  }
  world.transport->down = true;  // what cannot be sent now is sent later
  recorder.normal(*made, "Once", "while the server was away");
  (void)co_await rt::sleep_for(background, seconds(25));
  world.transport->down = false;
  (void)co_await rt::sleep_for(background, seconds(15));
  ListOptions all;
  auto events = co_await client.list<api::core_v1::Event>(background, all);
  EXPECT_EQ(events_about(events->items), "Againx3 the same; Oncex1 while the server was away; ");
  for (const auto& event : events->items) {
    if (event.reason != "Again") continue;
    EXPECT_EQ(event.reporting_component, "tester");
    EXPECT_EQ(event.involved_object.uid, made->metadata.uid);
    EXPECT_GT(event.last_timestamp.seconds, event.first_timestamp.seconds);
    (void)co_await client.remove<api::core_v1::Event>(background, "default", event.metadata.name);
  }
  recorder.warning(*made, "Again", "the same");  // its event is gone: made anew
  co_await recorder.stop();
  events = co_await client.list<api::core_v1::Event>(background, all);
  EXPECT_EQ(events_about(events->items), "Againx4 the same; Oncex1 while the server was away; ");
}

TEST(Client, Events) { with_world(record_events); }

// One candidate: writes its name into `leading` while it leads.
struct Candidate {
  std::string name;
  std::vector<std::string>* log;
  rt::Context life = background.child();
  std::shared_ptr<FaultyTransport> transport;
  std::unique_ptr<Client> client;
  Result<Unit> outcome;
};

rt::Task<void> lead_until_done(Candidate* candidate, rt::Context ctx) {
  candidate->log->push_back("+" + candidate->name);
  const rt::Context forever = ctx.child();
  rt::Event never;
  (void)co_await never.wait(forever);
  candidate->log->push_back("-" + candidate->name);
}

rt::Task<void> stand(Candidate* candidate) {
  LeaderElectionOptions options;
  options.name = "test";
  options.identity = candidate->name;
  std::function<rt::Task<void>(rt::Context)> lead = [candidate](rt::Context ctx) { return lead_until_done(candidate, ctx); };
  candidate->outcome = co_await run_as_leader(*candidate->client, candidate->life, options, nullptr, std::move(lead));
}

std::string joined(const std::vector<std::string>& log) {
  std::string out;
  for (const auto& one : log) out += one + " ";
  return out;
}

rt::Task<void> elect(World& world) {
  std::vector<std::string> log;
  std::vector<std::unique_ptr<Candidate>> candidates;
  rt::TaskGroup group;
  for (const char* name : {"a", "b", "c"}) {
    auto& one = *candidates.emplace_back(std::make_unique<Candidate>());
    one.name = name;
    one.log = &log;
    one.transport = std::make_shared<FaultyTransport>(transport_to(*world.server));
    one.client = std::make_unique<Client>(rt::Executor::current().runtime(), one.transport, ClientConfig());
    group.spawn(stand(&one));
    (void)co_await rt::sleep_for(background, seconds(1));
  }
  (void)co_await rt::sleep_for(background, std::chrono::minutes(1));
  EXPECT_EQ(joined(log), "+a ");
  auto lease = co_await world.client->get<api::coordination_v1::Lease>(background, "kube-system", "test");
  EXPECT_EQ(lease->spec.holder_identity.value_or(""), "a");
  EXPECT_EQ(lease->spec.lease_transitions.value_or(-1), 0);

  // The leader is cut off: it stops before another begins.
  candidates[0]->transport->down = true;
  (void)co_await rt::sleep_for(background, seconds(40));
  EXPECT_EQ(log.size(), 3u) << joined(log);
  EXPECT_EQ(log[1], "-a");
  EXPECT_EQ(candidates[0]->outcome.error().reason, Reason::Gone);
  const std::string second = log[2].substr(1);
  Candidate& leader = *candidates[second == "b" ? 1 : 2];
  Candidate& last = *candidates[second == "b" ? 2 : 1];

  // One that ends in good order gives the lease back, and the next leads within its pause.
  leader.life.cancel();
  (void)co_await rt::sleep_for(background, seconds(4));
  EXPECT_EQ(joined(log), "+a -a +" + leader.name + " -" + leader.name + " +" + last.name + " ");
  EXPECT_TRUE(leader.outcome.has_value());
  last.life.cancel();
  co_await group.join();
  for (auto& one : candidates) co_await one->client->close();
}

TEST(Client, LeaderElection) {
  for (uint64_t seed = 1; seed <= 5; ++seed) with_world(elect, seed);
}

}  // namespace
}  // namespace pintle::client
