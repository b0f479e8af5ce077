#include "controller/csr/serving_names.h"

#include <gtest/gtest.h>

namespace pintle::controller::csr {
namespace {

using api::core_v1::Node;

std::shared_ptr<const Node> node(std::string name, int64_t created, std::vector<std::pair<std::string, std::string>> addresses) {
  auto out = std::make_shared<Node>();
  out->metadata.name = std::move(name);
  out->metadata.creation_timestamp.seconds = created;
  for (auto& [type, address] : addresses) {
    auto& made = out->status.addresses.emplace_back();
    made.type = type;
    made.address = address;
  }
  return out;
}

// `evil` reports whatever it likes; `old` was there before it, `young` came later.
std::string verdict(const std::string& asked) {
  const std::vector<std::pair<std::string, std::string>> lies = {
      {"InternalIP", "10.0.0.2"},  {"InternalIP", "10.43.0.1"},   {"InternalIP", "10.0.0.1"},      {"InternalIP", "10.0.0.3"},
      {"InternalIP", "127.0.0.1"}, {"InternalIP", "::1"},         {"InternalIP", "0.0.0.0"},       {"InternalIP", "169.254.1.1"},
      {"InternalIP", "224.0.0.1"}, {"InternalIP", "fe80::1"},     {"InternalIP", "ff02::1"},       {"InternalIP", "fd00::2"},
      {"InternalIP", "10.0.0.99"}, {"Hostname", "evil-host"},     {"Hostname", "young"},           {"Hostname", "kubernetes"},
      {"Hostname", "old"},         {"Hostname", "localhost"},     {"Hostname", "api.example.com"}, {"InternalDNS", "web.default.svc"},
      {"InternalDNS", "old-host"}, {"InternalDNS", "young-host"}, {"InternalDNS", "a,DNS:old"},    {"InternalDNS", "*.example.com"}};
  const std::vector<std::shared_ptr<const Node>> nodes = {node("old", 1, {{"InternalIP", "10.0.0.1"}, {"Hostname", "old-host"}}),
                                                          node("evil", 2, lies),
                                                          node("young", 3, {{"InternalIP", "10.0.0.3"}, {"Hostname", "young-host"}})};
  const ServingNameRules rules({"api.example.com", "localhost", "10.0.0.99"}, {"10.43.0.0/16", "fd00:43::/112"});
  component::CertificateInfo request;
  (asked.find_first_not_of("0123456789abcdef.:") == asked.npos && asked.find_first_of(".:") != asked.npos ? request.ip_addresses : request.dns_names)
      .push_back(asked);
  const auto fault = serving_name_fault("evil", request, nodes, rules);
  return !fault ? "good" : fault->forbidden ? "forbidden" : "not its own";
}

TEST(ServingNames, WhatANodeReportsOfItself) {
  for (const char* name : {"evil", "evil-host", "EVIL-host", "10.0.0.2", "fd00::2"}) EXPECT_EQ(verdict(name), "good") << name;
}

TEST(ServingNames, NeverTheApiServersOrAServices) {
  for (const char* name : {"kubernetes", "Kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
                           "web.default.svc", "web.default.svc.", "web.default.svc.cluster.local", "localhost", "a.localhost", "api.example.com",
                           "API.example.com.", "*", "*.example.com", "", "10.0.0.2."})
    EXPECT_EQ(verdict(name), "forbidden") << name;
  for (const char* address : {"10.43.0.1", "::ffff:10.43.0.1", "10.43.255.255", "fd00:43::1", "10.0.0.99", "127.0.0.1", "127.1.2.3", "::1", "::",
                              "0.0.0.0", "169.254.1.1", "169.254.169.254", "224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1", "::ffff:127.0.0.1"})
    EXPECT_EQ(verdict(address), "forbidden") << address;
}

// Names belong to nodes for good, addresses to the older of two that report them.
TEST(ServingNames, NeverAnotherNodes) {
  for (const char* name : {"old", "young", "old-host", "10.0.0.1", "::ffff:10.0.0.1"}) EXPECT_EQ(verdict(name), "not its own") << name;
  for (const char* name : {"young-host", "10.0.0.3"}) EXPECT_EQ(verdict(name), "good") << name;
  for (const char* name : {"elsewhere", "10.0.0.7", "a"}) EXPECT_EQ(verdict(name), "not its own") << name;
}

TEST(ServingNames, WhatNodesAreFoundBy) {
  EXPECT_EQ(names_of(*node("a", 1, {{"InternalIP", "10.0.0.1"}, {"InternalIP", "::ffff:10.0.0.1"}, {"Hostname", "A."}, {"Hostname", "B"}})),
            (std::vector<std::string>{"10.0.0.1", "a", "b"}));
  component::CertificateInfo request;
  request.dns_names = {"B."};
  request.ip_addresses = {"::FFFF:10.0.0.1", "fd00::0:1"};
  EXPECT_EQ(names_of(request), (std::vector<std::string>{"b", "10.0.0.1", "fd00::1"}));
}

TEST(ServingNames, OneBadNameSpoilsTheRequest) {
  component::CertificateInfo request;
  request.dns_names = {"a", "kubernetes"};
  const auto fault = serving_name_fault("a", request, {node("a", 1, {})}, ServingNameRules({}, {}));
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->forbidden);
  request.dns_names = {"a"};
  EXPECT_FALSE(serving_name_fault("a", request, {node("a", 1, {})}, ServingNameRules({}, {})));
  EXPECT_FALSE(serving_name_fault("a", request, {}, ServingNameRules({}, {}))) << "a node that has not registered yet";
}

}  // namespace
}  // namespace pintle::controller::csr
