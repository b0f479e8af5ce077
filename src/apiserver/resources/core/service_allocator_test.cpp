#include "apiserver/resources/core/service_allocator.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/resources/core/service_addresses.h"
#include "base/split.h"

namespace pintle::apiserver::resources {
namespace {

using api::core_v1::Service;
using api::networking_v1::ServiceCIDR;
using apiserver::testing::FakeRandom;
using apiserver::testing::FakeReader;

const GroupResource service_resource{"", "services"};
constexpr std::pair<uint16_t, uint16_t> ports{30000, 30003};

Service service_of(const std::string& name, const std::vector<std::string>& addresses, const std::vector<int32_t>& node_ports) {
  Service out;
  out.metadata.name = out.metadata.uid = name;
  out.metadata.namespace_ = "default";
  out.spec.cluster_ips = addresses;
  for (const int32_t port : node_ports) out.spec.ports.emplace_back().node_port = port;
  return out;
}

const GroupResource range_resource{"networking.k8s.io", "servicecidrs"}, address_resource{"networking.k8s.io", "ipaddresses"};

ServiceCIDR range_of(const std::string& name, const std::string& ranges) {
  ServiceCIDR out;
  out.metadata.name = out.metadata.uid = name;
  for (const std::string_view range : split_words(ranges, ',')) out.spec.cidrs.emplace_back(range);
  return out;
}

struct Fixture {
  FakeReader reader;
  FakeRandom random;
  ServiceAllocator allocator;
  explicit Fixture(const std::string& ranges = "10.96.0.0/29", std::pair<uint16_t, uint16_t> node_ports = ports) {
    reader.put(range_resource, range_of("kubernetes", ranges));
    EXPECT_TRUE(allocator.attach(reader, ranges, node_ports)) << ranges;
  }
  void put_address(const std::string& address, const std::string& service) {
    auto object = address_for(address, "default", service);
    object.metadata.uid = "of " + service;
    reader.put(address_resource, object);
  }
  // What is to be looked at, since the last time.
  std::string unsettled() {
    std::string out;
    for (const std::string& address : allocator.unsettled().take()) out += (out.empty() ? "" : " ") + address;
    return out;
  }
  // "" where it was reserved, else why not.
  std::string reserve(const std::string& address) {
    const auto done = allocator.reserve_ip(address);
    return done ? "" : done.error().message.substr(done.error().message.find(": ") + 2);
  }
  std::string reserve(int32_t port, const std::set<int32_t>& own = {}) {
    const auto done = allocator.reserve_port(port, own);
    return done ? "" : done.error().message;
  }
};
const std::string taken_ip = "provided IP is already allocated", outside = "the provided IP is not in the valid range",
                  taken_port = "provided port is already allocated";

TEST(ServiceAllocator, Ranges) {
  const auto families = [](const std::string& ranges) {
    FakeReader reader;
    ServiceAllocator allocator;
    if (!allocator.attach(reader, ranges, ports)) return std::string("refused");
    std::string out;
    for (const std::string& family : allocator.families()) out += (out.empty() ? "" : " ") + family;
    return out;
  };
  EXPECT_EQ(families("10.96.0.0/16"), "IPv4");
  EXPECT_EQ(families("fd00::/108,10.96.0.0/16"), "IPv6 IPv4");
  EXPECT_EQ(families("10.96.0.0"), "refused");
  EXPECT_EQ(families(""), "refused");
}

TEST(ServiceAllocator, AnAddressGoesToOne) {
  Fixture f;
  EXPECT_EQ(f.reserve("10.96.0.3"), "");
  EXPECT_EQ(f.reserve("10.96.0.3"), taken_ip);
  EXPECT_EQ(f.reserve("10.97.0.3"), outside);
  EXPECT_EQ(f.reserve("no address"), outside);
  f.allocator.release({"10.96.0.3"}, {});
  EXPECT_EQ(f.reserve("10.96.0.3"), "");
}

// 10.96.0.0/29 has six: neither the first address nor the last is given out.
TEST(ServiceAllocator, DrawsUntilTheRangeIsFull) {
  Fixture f;
  std::set<std::string> drawn;
  for (int i = 0; i < 6; ++i) {
    const auto address = f.allocator.draw_ip("IPv4", f.random);
    ASSERT_TRUE(address) << i;
    EXPECT_TRUE(drawn.insert(*address).second) << *address;
  }
  EXPECT_EQ(*drawn.begin() + " " + *drawn.rbegin(), "10.96.0.1 10.96.0.6");
  EXPECT_FALSE(f.allocator.draw_ip("IPv4", f.random));
  EXPECT_FALSE(f.allocator.draw_ip("IPv6", f.random));
  f.allocator.release({"10.96.0.4"}, {});
  EXPECT_EQ(f.allocator.draw_ip("IPv4", f.random).value_or(""), "10.96.0.4");
}

// The lower part is left to those who ask by name, while there is another.
TEST(ServiceAllocator, DrawsFromTheUpperPart) {
  Fixture f("10.96.0.0/24");
  for (int i = 0; i < 100; ++i) {
    const auto address = f.allocator.draw_ip("IPv4", f.random);
    ASSERT_TRUE(address);
    EXPECT_GT(std::stoi(address->substr(address->rfind('.') + 1)), 16) << *address;
  }
  Fixture six("fd00::/120");
  const auto address = six.allocator.draw_ip("IPv6", six.random);
  EXPECT_TRUE(address && address->starts_with("fd00::")) << address.value_or("none");
}

TEST(ServiceAllocator, PortsGoToOneService) {
  Fixture f;
  EXPECT_EQ(f.reserve(30001), "");
  EXPECT_EQ(f.reserve(30001), taken_port);
  EXPECT_EQ(f.reserve(30001, {30001}), "");  // TCP and UDP of one Service
  EXPECT_NE(f.reserve(29999), "");
  EXPECT_NE(f.reserve(30004), "");
  f.allocator.release({}, {30001, 30001});
  std::set<int32_t> drawn;
  for (int i = 0; i < 4; ++i) drawn.insert(f.allocator.draw_port(f.random).value_or(0));
  EXPECT_EQ(drawn, (std::set<int32_t>{30000, 30001, 30002, 30003}));
  EXPECT_FALSE(f.allocator.draw_port(f.random));
}

TEST(ServiceAllocator, StoredServicesHoldWhatTheyHave) {
  Fixture f;
  f.reader.put(service_resource, service_of("a", {"10.96.0.2"}, {30002}));
  EXPECT_EQ(f.reserve("10.96.0.2"), taken_ip);
  EXPECT_EQ(f.reserve(30002), taken_port);
  f.reader.put(service_resource, service_of("a", {"10.96.0.3"}, {30003}));  // it was given others
  EXPECT_EQ(f.reserve("10.96.0.2"), "");
  EXPECT_EQ(f.reserve("10.96.0.3"), taken_ip);
  EXPECT_EQ(f.reserve(30002), "");
  f.reader.remove(service_resource, "default", "a");
  EXPECT_EQ(f.reserve("10.96.0.3"), "");
  EXPECT_EQ(f.reserve(30003), "");
  f.reader.put(service_resource, service_of("headless", {"None"}, {}));
}

// Between the store's event and the end of the request both hold it; either alone is enough.
TEST(ServiceAllocator, ARequestHandsOverToTheStore) {
  Fixture f;
  EXPECT_EQ(f.reserve("10.96.0.2"), "");
  f.reader.put(service_resource, service_of("a", {"10.96.0.2"}, {}));
  f.allocator.release({"10.96.0.2"}, {});
  EXPECT_EQ(f.reserve("10.96.0.2"), taken_ip);
}

TEST(ServiceAllocator, ServicesThatWereThereAtStart) {
  FakeReader reader;
  reader.put(range_resource, range_of("kubernetes", "10.96.0.0/29"));
  reader.put(service_resource, service_of("a", {"10.96.0.2"}, {30002}));
  ServiceAllocator allocator;
  ASSERT_TRUE(allocator.attach(reader, "10.96.0.0/29", ports));
  EXPECT_FALSE(allocator.reserve_ip("10.96.0.2"));
  EXPECT_FALSE(allocator.reserve_port(30002, {}));
}

TEST(ServiceAllocator, RangesComeAndGo) {
  Fixture f("10.96.0.0/30");  // two addresses
  EXPECT_TRUE(f.allocator.draw_ip("IPv4", f.random) && f.allocator.draw_ip("IPv4", f.random));
  EXPECT_FALSE(f.allocator.draw_ip("IPv4", f.random));
  ServiceCIDR more = range_of("more", "10.97.0.0/29,fd00::/112");
  f.reader.put(range_resource, more);
  EXPECT_TRUE(f.allocator.draw_ip("IPv4", f.random).value_or("").starts_with("10.97.0."));
  EXPECT_FALSE(f.allocator.draw_ip("IPv6", f.random)) << "the cluster has no such addresses";
  auto& ready = more.status.conditions.emplace_back();
  ready.type = "Ready";
  ready.status = "False";
  f.reader.put(range_resource, more);
  EXPECT_FALSE(f.allocator.draw_ip("IPv4", f.random));
  EXPECT_EQ(f.reserve("10.97.0.6"), outside);
  more.status.conditions[0].status = "True";
  more.metadata.deletion_timestamp = api::Time{1, 0};
  f.reader.put(range_resource, more);
  EXPECT_EQ(f.reserve("10.97.0.6"), outside);
  more.metadata.deletion_timestamp.reset();
  f.reader.put(range_resource, more);
  EXPECT_EQ(f.reserve("10.97.0.7"), outside) << "the last address is nobody's";
  EXPECT_EQ(f.reserve("10.97.0.0"), outside);
  f.reader.remove(range_resource, "", "more");
  EXPECT_EQ(f.reserve("10.97.0.6"), outside);
}

TEST(ServiceAllocator, AnIPAddressIsTaken) {
  Fixture f;
  f.put_address("10.96.0.2", "elsewhere");
  EXPECT_EQ(f.reserve("10.96.0.2"), taken_ip);
  f.reader.remove(address_resource, "", "10.96.0.2");
  EXPECT_EQ(f.reserve("10.96.0.2"), "");
}

TEST(ServiceAllocator, TellsWhatIsNotAsItShouldBe) {
  Fixture f;
  EXPECT_EQ(f.reserve("10.96.0.2"), "");
  f.put_address("10.96.0.2", "a");
  f.reader.put(service_resource, service_of("a", {"10.96.0.2"}, {}));
  f.allocator.release({"10.96.0.2"}, {});
  EXPECT_EQ(f.unsettled(), "") << "the usual way costs no look";
  f.put_address("10.96.0.2", "b");
  EXPECT_EQ(f.unsettled(), "10.96.0.2");
  f.reader.remove(address_resource, "", "10.96.0.2");
  EXPECT_EQ(f.unsettled(), "10.96.0.2");
  f.put_address("10.96.0.2", "a");
  EXPECT_EQ(f.unsettled(), "");
  f.reader.remove(service_resource, "default", "a");
  EXPECT_EQ(f.unsettled(), "10.96.0.2");
  EXPECT_TRUE(f.allocator.is_left_over("10.96.0.2"));
  EXPECT_EQ(f.allocator.look_at("10.96.0.2").given_back, "of a");
  f.reader.remove(address_resource, "", "10.96.0.2");
  EXPECT_FALSE(f.allocator.is_left_over("10.96.0.2"));
  f.reader.put(service_resource, service_of("c", {"10.96.0.5"}, {}));
  EXPECT_EQ(f.unsettled(), "10.96.0.5") << "a Service without its IPAddress";
}

// What was written before IPAddresses were kept, or half written, is told once all of it has been read.
TEST(ServiceAllocator, TellsWhatWasThereAtStart) {
  FakeReader reader;
  reader.put(service_resource, service_of("a", {"10.96.0.2"}, {}));
  reader.put(service_resource, service_of("b", {"10.96.0.3"}, {}));
  reader.put(address_resource, address_for("10.96.0.3", "default", "b"));
  reader.put(address_resource, address_for("10.96.0.4", "default", "c"));
  ServiceAllocator allocator;
  ASSERT_TRUE(allocator.attach(reader, "10.96.0.0/29", ports));
  EXPECT_EQ(allocator.unsettled().take(), (std::set<std::string>{"10.96.0.2", "10.96.0.4"}));
}

// Fit for TSan: nobody is given what another holds, and nothing is lost.
TEST(ServiceAllocator, ManyAtOnce) {
  constexpr int threads = 8, rounds = 300;
  Fixture f("10.96.0.0/25", {30000, 30099});
  std::array<std::atomic<int>, 256> address_users{};
  std::array<std::atomic<int>, 100> port_users{};
  std::atomic<int> clashes{0}, failures{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&] {
      FakeRandom random;
      for (int i = 0; i < rounds; ++i) {
        const auto address = f.allocator.draw_ip("IPv4", random);
        const auto port = f.allocator.draw_port(random);
        if (!address || !port) {
          ++failures;
          continue;
        }
        auto& address_slot = address_users[static_cast<std::size_t>(std::stoi(address->substr(address->rfind('.') + 1)))];
        auto& port_slot = port_users[static_cast<std::size_t>(*port - 30000)];
        const bool address_clash = address_slot++ != 0, port_clash = port_slot++ != 0;
        if (address_clash || port_clash) ++clashes;
        --address_slot;
        --port_slot;
        f.allocator.release({*address}, {*port});
      }
    });
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(clashes.load(), 0);
  EXPECT_EQ(failures.load(), 0);
  for (int i = 0; i < 126; ++i) EXPECT_TRUE(f.allocator.draw_ip("IPv4", f.random)) << i;  // all are free again
  EXPECT_FALSE(f.allocator.draw_ip("IPv4", f.random));
}

}  // namespace
}  // namespace pintle::apiserver::resources
