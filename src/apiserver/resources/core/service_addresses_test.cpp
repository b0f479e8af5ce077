#include "apiserver/resources/core/service_addresses.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"
#include "apimachinery/clock_time.h"

namespace pintle::apiserver::resources {
namespace {

using api::core_v1::Service;
using api::networking_v1::IPAddress;
using api::testing::from_yaml;

constexpr rt::WallTime plan_time{std::chrono::seconds(1'000'000)};
api::Time ago(int64_t seconds) { return apimachinery::to_api_time(plan_time - std::chrono::seconds(seconds)); }

struct Case {
  std::vector<std::string> services;  // that hold the address
  std::string stored;                 // "NAMESPACE/NAME" that its IPAddress is for; "": there is none
  int64_t stored_age = 1000;
  std::string parent;  // the Service that it names, as YAML; "": there is none
  int64_t parent_age = 1000;
  bool in_range = true;
  bool in_flight = false;
  std::string given_back = {};
  std::string change = {};  // of the IPAddress: "manager", "family", "resource"
  std::string told = {};    // the events
};

void check(const Case& c, const std::string& want) {
  IPAddress stored;
  if (!c.stored.empty()) {
    const auto slash = c.stored.find('/');
    stored = address_for("10.0.0.1", c.stored.substr(0, slash), c.stored.substr(slash + 1));
    stored.metadata.uid = "u-1";
    stored.metadata.creation_timestamp = ago(c.stored_age);
    if (c.change == "manager") stored.metadata.labels["ipaddress.kubernetes.io/managed-by"] = "me";
    if (c.change == "family") stored.metadata.labels["ipaddress.kubernetes.io/ip-family"] = "IPv6";
    if (c.change == "resource") stored.spec.parent_ref->resource = "gateways";
  }
  Service parent;
  if (!c.parent.empty()) {
    parent = from_yaml<Service>(c.parent);
    parent.metadata.creation_timestamp = ago(c.parent_age);
  }
  AddressFacts facts;
  facts.address = "10.0.0.1";
  facts.seen = {c.services, c.in_range, c.in_flight, c.given_back};
  facts.stored = c.stored.empty() ? nullptr : &stored;
  facts.parent = c.parent.empty() ? nullptr : &parent;
  facts.now = plan_time;
  const AddressPlan plan = plan_address(facts);
  std::string got = plan.remove ? "remove " : "";
  if (!plan.make_for.empty()) got += "make for " + plan.make_for + " ";
  if (plan.look_again) got += "in " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*plan.look_again).count()) + " ";
  if (!got.empty()) got.pop_back();
  EXPECT_EQ(got, want);
  std::string told;
  for (const AddressEvent& event : plan.events)
    told +=
        (told.empty() ? "" : "; ") + (event.service.empty() ? "the IPAddress" : event.service) + " " + std::string(event.reason) + ": " + event.note;
  EXPECT_EQ(told, c.told);
}

const std::string unallocated = "d/a ClusterIPNotAllocated: Cluster IP [IPv4]: 10.0.0.1 is not allocated; repairing";
const std::string wrong_reference = "d/a ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.0.0.1 for Service d/a has a wrong reference; repairing";
const std::string twice = "d/a ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.0.0.1 was assigned to multiple services; please recreate service";
const std::string out_of_range =
    "d/a ClusterIPOutOfRange: Cluster IP [IPv4]: 10.0.0.1 is not within any configured Service CIDR; please recreate service";
const std::string gone = "the IPAddress IPAddressNotAllocated: IPAddress: 10.0.0.1 for Service d/a appears to have leaked: cleaning up";
const std::string modified =
    "the IPAddress IPAddressNotAllocated: IPAddress 10.0.0.1 appears to have been modified, not referencing a Service &{ gateways d a}: cleaning up";
const std::string elsewhere = "the IPAddress IPAddressWrongReference: IPAddress: 10.0.0.1 for Service d/a has a wrong reference; cleaning up";

TEST(ServiceAddressPlan, OfAServiceThatHoldsIt) {
  check({.services = {"d/a"}, .stored = "d/a"}, "");
  check({.services = {"d/a"}, .stored = "", .told = unallocated}, "make for d/a");
  check({.services = {"d/a"}, .stored = "d/b", .told = wrong_reference}, "remove make for d/a");
  check({.services = {"d/a", "d/b"}, .stored = "d/b", .told = twice}, "");  // somebody has to make one of them anew
  check({.services = {"d/a"}, .stored = "d/a", .change = "manager"}, "remove make for d/a");
  check({.services = {"d/a"}, .stored = "d/a", .change = "family"}, "remove make for d/a");
  check({.services = {"d/a"}, .stored = "d/a", .change = "resource", .told = wrong_reference}, "remove make for d/a");
  check({.services = {"d/a"}, .stored = "", .in_range = false, .told = out_of_range}, "");
  check({.services = {"d/a"}, .stored = "", .in_flight = true}, "");
}

TEST(ServiceAddressPlan, OfNoService) {
  check({.services = {}, .stored = ""}, "");
  check({.services = {}, .stored = "d/a", .told = gone}, "remove");
  check({.services = {}, .stored = "d/a", .stored_age = 60, .told = gone}, "remove");
  check({.services = {}, .stored = "d/a", .stored_age = 20}, "in 40");
  check({.services = {}, .stored = "d/a", .stored_age = 20, .in_flight = true}, "");
  check({.services = {}, .stored = "d/a", .stored_age = 0, .given_back = "u-1"}, "remove");
  check({.services = {}, .stored = "d/a", .stored_age = 0, .given_back = "u-0"}, "in 60");
  check({.services = {}, .stored = "d/a", .change = "manager"}, "");  // another's
  check({.services = {}, .stored = "d/a", .stored_age = 0, .change = "resource", .told = modified}, "remove");
}

// Its Service is there and has another address, or none.
TEST(ServiceAddressPlan, OfAServiceThatDoesNotHoldIt) {
  const std::string plain = "{spec: {type: ClusterIP}}", external = "{spec: {type: ExternalName}}";
  check({.services = {}, .stored = "d/a", .stored_age = 100, .parent = plain, .parent_age = 200, .told = elsewhere}, "remove");
  check({.services = {}, .stored = "d/a", .stored_age = 2, .parent = plain, .parent_age = 200}, "in 3");
  check({.services = {}, .stored = "d/a", .stored_age = 2, .parent = plain, .parent_age = 2, .told = elsewhere}, "remove");
  check({.services = {}, .stored = "d/a", .stored_age = 20, .parent = external, .parent_age = 200}, "in 40");
  check({.services = {}, .stored = "d/a", .stored_age = 70, .parent = external, .parent_age = 200, .told = elsewhere}, "remove");
}

TEST(ServiceAddresses, WhatOneSays) {
  const IPAddress six = address_for("fd00::1", "d", "a");
  EXPECT_EQ(*six.metadata.labels.get("ipaddress.kubernetes.io/ip-family"), "IPv6");
  EXPECT_EQ(*six.metadata.labels.get("ipaddress.kubernetes.io/managed-by"), "ipallocator.k8s.io");
  EXPECT_EQ(service_of(six), "d/a");
  EXPECT_EQ(service_of({}), "");
}

}  // namespace
}  // namespace pintle::apiserver::resources
