#include "scheduler/devices/allocator.h"

#include <gtest/gtest.h>

#include "scheduler/devices/testing.h"

namespace pintle::scheduler::devices {
namespace {

using testing::Devices;

const char* const one = "{requests: [{name: r, exactly: {}}]}";
const char* const two = "{requests: [{name: r, exactly: {count: 2}}]}";
const char* const all = "{requests: [{name: r, exactly: {allocationMode: All}}]}";

TEST(Allocator, FirstFitInTheOrderOfNames) {
  Devices d;
  d.slice("b", "drv/p2 node=n1", "[{name: x}]").slice("a", "drv/p1 node=n1", "[{name: d2}, {name: d1}]");
  EXPECT_EQ(d.get(one), "r=drv/p1/d2") << "of a slice's devices, in their own order";
  EXPECT_EQ(d.get(two), "r=drv/p1/d2 r=drv/p1/d1");
  EXPECT_EQ(d.get(all), "r=drv/p1/d2 r=drv/p1/d1 r=drv/p2/x");
  EXPECT_EQ(d.get_all({one, one, one}), "r=drv/p1/d2; r=drv/p1/d1; r=drv/p2/x") << "no device twice";
  EXPECT_EQ(d.get_all({one, one, one, one}), "none");
  EXPECT_EQ(d.get(one, "n2"), "none");
  EXPECT_EQ(d.get("{}"), "");
}

TEST(Allocator, WhatIsTakenIsNotGiven) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d1}, {name: d2}]").taken("drv/p/d1");
  EXPECT_EQ(d.get(one), "r=drv/p/d2");
  EXPECT_EQ(d.get(two), "none");
  EXPECT_EQ(d.get(all), "none") << "all means all";
  d.taken("drv/p/d2", "{adminAccess: true}");
  EXPECT_EQ(d.get(one), "r=drv/p/d2") << "admin access takes nothing";
}

TEST(Allocator, AdminAccess) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d1}]").taken("drv/p/d1");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {adminAccess: true}}]}"), "r=drv/p/d1");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {adminAccess: true, count: 2}}]}"), "none") << "once a claim";
  const auto found = d.allocate({"{requests: [{name: r, exactly: {adminAccess: true, allocationMode: All}}]}"}, "n1");
  ASSERT_EQ(found.kind, Allocation::Kind::Allocated);
  EXPECT_EQ(found.results[0].devices.results[0].admin_access, true);
}

TEST(Allocator, OnlyTheNewestGenerationAndWholePools) {
  EXPECT_EQ(Devices().slice("a", "drv/p node=n1", "[{name: old}]").slice("b", "drv/p node=n1 generation=2", "[{name: new}]").get(all), "r=drv/p/new");
  EXPECT_EQ(Devices().slice("a", "drv/p node=n1", "[{name: old}]").slice("b", "drv/p node=n2 generation=2", "[{name: new}]").get(one), "none")
      << "what the node had is obsolete";
  Devices part;
  part.slice("a", "drv/p node=n1 count=2", "[{name: d}]");
  EXPECT_EQ(part.get(one), "none");
  EXPECT_EQ(part.get(all), "error: claim default/c0, request r: asks for all devices, but resource pool drv/p is currently being updated");
  EXPECT_EQ(part.slice("b", "drv/q node=n1", "[{name: d}]").get(one), "r=drv/q/d") << "another pool will do";
  EXPECT_EQ(part.slice("c", "drv/p node=n2 count=2", "[{name: e}]").get(all), "r=drv/p/d r=drv/q/d") << "the rest of the pool is elsewhere";
}

// Slices that contradict each other.
TEST(Allocator, PoolsThatAreWrong) {
  Devices d;
  d.slice("a", "drv/p node=n1 count=2", "[{name: d}]").slice("b", "drv/p node=n1 count=2", "[{name: d}]");
  EXPECT_EQ(d.get(one), "none: invalid resource pools were encountered");
  EXPECT_EQ(d.get(all), "error: claim default/c0, request r: asks for all devices, but resource pool drv/p is currently invalid");
  EXPECT_EQ(Devices().slice("a", "drv/p node=n1 count=2", "[{name: d}]").slice("b", "drv/p node=n2 count=2", "[{name: d}]").get(one), "r=drv/p/d")
      << "of nodes that do not meet";
  EXPECT_EQ(Devices().slice("a", "drv/p node=n1 count=1", "[{name: d}]").slice("b", "drv/p node=n1 count=2", "[{name: e}]").get(one), "none")
      << "they do not agree how many they are";
}

TEST(Allocator, NodesOfSlices) {
  Devices d;
  d.node("n1", "{zone: a}").node("n2", "{zone: b}");
  d.slice("a", "drv/p", "[{name: d}]", "{nodeSelector: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}");
  EXPECT_EQ(d.get(one, "n1"), "r=drv/p/d");
  EXPECT_EQ(d.get(one, "n2"), "none");
  const auto found = d.allocate({one}, "n1");
  EXPECT_EQ(found.results[0].node_selector->node_selector_terms[0].match_expressions[0].key, "zone");

  Devices everywhere;
  everywhere.slice("a", "drv/p all", "[{name: d}]");
  EXPECT_EQ(everywhere.get(one, "n7"), "r=drv/p/d");
  EXPECT_FALSE(everywhere.allocate({one}, "n7").results[0].node_selector);
  EXPECT_EQ(Devices().slice("a", "drv/p", "[{name: d}]").get(one), "none") << "it says nothing of nodes";
}

TEST(Allocator, NodesOfDevices) {
  Devices d;
  d.node("n2", "{zone: b}");
  d.slice("a", "drv/p per-device",
          "[{name: d1, nodeName: n1}, {name: d2, nodeSelector: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [b]}]}]}}, "
          "{name: d3, allNodes: true}, {name: d4}]");
  EXPECT_EQ(d.get(all, "n1"), "r=drv/p/d1 r=drv/p/d3");
  EXPECT_EQ(d.get(all, "n2"), "r=drv/p/d2 r=drv/p/d3");
  EXPECT_EQ(d.get(all, "n3"), "r=drv/p/d3");
  const auto local = d.allocate({all}, "n1").results[0].node_selector->node_selector_terms[0];
  EXPECT_EQ(local.match_fields[0].key, "metadata.name");
  EXPECT_EQ(local.match_fields[0].values, std::vector<std::string>{"n1"});
  d.features.partitionable_devices = false;
  EXPECT_EQ(d.get(one), "none");
}

TEST(Allocator, ADeviceThatBindsToItsNode) {
  Devices d;
  d.slice("a", "drv/p all", "[{name: d, bindsToNode: true}]");
  EXPECT_EQ(d.allocate({one}, "n1").results[0].node_selector->node_selector_terms[0].match_fields[0].values, std::vector<std::string>{"n1"});
}

TEST(Allocator, Selectors) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d1, attributes: {size: {int: 1}}}, {name: d2, attributes: {size: {int: 2}}}]");
  d.device_class("big", "{selectors: [{cel: {expression: 'device.attributes[\"drv\"].size > 1'}}]}");
  d.device_class("broken", "{selectors: [{cel: {expression: 'device.attributes[\"drv\"].none > 1'}}]}");
  d.device_class("bad", "{selectors: [{cel: {expression: 'device.what'}}]}");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {deviceClassName: big}}]}"), "r=drv/p/d2");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {selectors: [{cel: {expression: 'device.attributes[\"drv\"].size < 2'}}]}}]}"), "r=drv/p/d1");
  EXPECT_EQ(
      d.get("{requests: [{name: r, exactly: {deviceClassName: big, selectors: [{cel: {expression: 'device.attributes[\"drv\"].size < 2'}}]}}]}"),
      "none");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {deviceClassName: broken}}]}"),
            "error: class broken: selector #0: CEL runtime error: no such key: none");
  EXPECT_TRUE(d.get("{requests: [{name: r, exactly: {deviceClassName: bad}}]}")
                  .starts_with("error: class bad: selector #0: CEL compile error: compilation failed: ERROR: <input>:1:7: undefined field 'what'"));
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {selectors: [{cel: {expression: 'true'}}, {cel: {expression: '1/0 == 1'}}]}}]}"),
            "error: claim default/c0: selector #1: CEL runtime error: division by zero");
}

TEST(Allocator, RequestsThatCannotBeServed) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d}]");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {deviceClassName: nope}}]}"),
            "error: claim default/c0, request r: could not retrieve device class nope: deviceclass.resource.k8s.io \"nope\" not found");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {allocationMode: Some}}]}"), "error: claim default/c0, request r: unsupported count mode Some");
  EXPECT_EQ(d.get("{requests: [{name: r}]}"), "error: claim default/c0, request r: unknown request type");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {count: 33}}]}"),
            "error: claim default/c0: number of requested devices 33 exceeds the claim limit of 32");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {}}], constraints: [{}]}"),
            "error: claim default/c0, constraint #0: empty constraint (unsupported constraint type?)");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {selectors: [{}]}}]}"),
            "error: claim default/c0, request r, selector #0: CEL expression empty (unsupported selector type?)");
}

TEST(Allocator, MatchAttribute) {
  Devices d;
  d.slice(
      "a", "drv/p node=n1",
      "[{name: d1, attributes: {numa: {int: 1}}}, {name: d2, attributes: {numa: {int: 2}}}, {name: d3, attributes: {numa: {int: 2}}}, {name: d4}]");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {count: 2}}], constraints: [{matchAttribute: drv/numa}]}"), "r=drv/p/d2 r=drv/p/d3")
      << "d1 was tried";
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {}}, {name: s, exactly: {}}], constraints: [{matchAttribute: drv/numa, requests: [r, s]}]}"),
            "r=drv/p/d2 s=drv/p/d3");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {}}, {name: s, exactly: {}}], constraints: [{matchAttribute: drv/numa, requests: [s]}]}"),
            "r=drv/p/d1 s=drv/p/d2");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {}}], constraints: [{matchAttribute: other/numa}]}"), "none") << "nobody has it";
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {allocationMode: All}}], constraints: [{matchAttribute: drv/numa}]}"),
            "error: claim default/c0, request r: cannot add device drv/p/d2 because a claim constraint would not be satisfied");
}

TEST(Allocator, DistinctAttribute) {
  Devices d;
  d.slice("a", "drv/p node=n1",
          "[{name: d1, attributes: {numa: {int: 1}}}, {name: d2, attributes: {numa: {int: 1}}}, {name: d3, attributes: {numa: {int: 2}}}]");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {count: 2}}], constraints: [{distinctAttribute: drv/numa}]}"), "r=drv/p/d1 r=drv/p/d3");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {count: 3}}], constraints: [{distinctAttribute: drv/numa}]}"), "none");
}

TEST(Allocator, Alternatives) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d1, attributes: {size: {int: 1}}}, {name: d2, attributes: {size: {int: 2}}}]");
  d.device_class("big", "{selectors: [{cel: {expression: 'device.attributes[\"drv\"].size > 1'}}]}");
  const std::string list = "{name: r, firstAvailable: [{name: best, deviceClassName: big}, {name: rest}]}";
  EXPECT_EQ(d.get("{requests: [" + list + "]}"), "r/best=drv/p/d2");
  EXPECT_EQ(d.get_all({"{requests: [" + list + "]}", "{requests: [" + list + "]}"}), "r/best=drv/p/d2; r/rest=drv/p/d1");
  d.taken("drv/p/d2");
  EXPECT_EQ(d.get("{requests: [" + list + "]}"), "r/rest=drv/p/d1");
  EXPECT_EQ(d.get("{requests: [{name: r, firstAvailable: [{name: all, allocationMode: All, deviceClassName: big}, {name: two, count: 2}]}]}"),
            "none");
  d.features.prioritized_list = false;
  EXPECT_EQ(d.get("{requests: [" + list + "]}"),
            "error: claim default/c0, request r: has subrequests, but the DRAPrioritizedList feature is disabled");
}

// Where the best would exceed what a claim may have, an alternative with fewer devices serves.
TEST(Allocator, TheLimitOfDevicesAndAlternatives) {
  Devices d;
  std::string devices;
  for (int i = 0; i < 40; ++i) devices += (i == 0 ? "[{name: d" : ", {name: d") + std::to_string(i) + "}";
  d.slice("a", "drv/p node=n1", devices + "]");
  const auto found =
      d.allocate({"{requests: [{name: a, exactly: {count: 20}}, {name: b, firstAvailable: [{name: many, count: 13}, {name: few, count: "
                  "2}]}]}"},
                 "n1");
  ASSERT_EQ(found.kind, Allocation::Kind::Allocated);
  EXPECT_EQ(found.results[0].devices.results.size(), 22u);
  EXPECT_EQ(found.results[0].devices.results.back().request, "b/few");
  EXPECT_EQ(
      d.get("{requests: [{name: a, firstAvailable: [{name: x, count: 20}, {name: z, count: 19}]}, {name: b, firstAvailable: [{name: x, count: 14}, "
            "{name: z, count: 14}]}]}"),
      "error: claim default/c0: number of requested devices 33 exceeds the claim limit of 32");
  EXPECT_EQ(
      d.allocate({"{requests: [{name: a, firstAvailable: [{name: x, count: 20}, {name: z, count: 18}]}, {name: b, firstAvailable: [{name: x, count: "
                  "15}, {name: z, count: 14}]}]}"},
                 "n1")
          .results[0]
          .devices.results.front()
          .request,
      "a/z")
      << "back to the alternatives of the request before";
}

TEST(Allocator, Counters) {
  Devices d;
  const char* gpu =
      "[{name: whole, consumesCounters: [{counterSet: gpu, counters: {memory: {value: 40Gi}}}]}, {name: half-1, consumesCounters: [{counterSet: gpu, "
      "counters: "
      "{memory: {value: 20Gi}}}]}, {name: half-2, consumesCounters: [{counterSet: gpu, counters: {memory: {value: 20Gi}}}]}]";
  d.slice("a", "drv/p node=n1 count=2", gpu);
  d.slice("counters", "drv/p node=n1 count=2", "[]", "{sharedCounters: [{name: gpu, counters: {memory: {value: 40Gi}}}]}");
  EXPECT_EQ(d.get(one), "r=drv/p/whole");
  EXPECT_EQ(d.get(two), "r=drv/p/half-1 r=drv/p/half-2") << "the whole would leave nothing";
  EXPECT_EQ(d.get_all({one, one}), "r=drv/p/half-1; r=drv/p/half-2");
  EXPECT_EQ(d.get_all({one, two}), "none");
  d.taken("drv/p/half-1");
  EXPECT_EQ(d.get(one), "r=drv/p/half-2");
  d.taken("drv/p/half-2");
  EXPECT_EQ(d.get(one), "none");
  d.features.partitionable_devices = false;
  EXPECT_EQ(Devices(d).get(one), "none");

  Devices lacks;
  lacks.slice("a", "drv/p node=n1", gpu);
  EXPECT_EQ(lacks.get(one), "none: invalid resource pools were encountered");
}

TEST(Allocator, Taints) {
  Devices d;
  d.slice("a", "drv/p node=n1",
          "[{name: d1, taints: [{key: bad, effect: NoSchedule}]}, {name: d2, taints: [{key: bad, effect: NoExecute}]}, {name: d3, taints: [{key: "
          "bad, effect: "
          "None}]}]");
  EXPECT_EQ(d.get(one), "r=drv/p/d3");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {tolerations: [{key: bad, operator: Exists, effect: NoExecute}]}}]}"), "r=drv/p/d2");
  const auto found = d.allocate({"{requests: [{name: r, exactly: {tolerations: [{operator: Exists}]}}]}"}, "n1");
  EXPECT_EQ(Devices::text(found), "r=drv/p/d1");
  EXPECT_EQ(found.results[0].devices.results[0].tolerations.size(), 1u) << "they stand in the result";
  EXPECT_EQ(d.get(all), "none");
  d.features.device_taints = false;
  EXPECT_EQ(d.get(one), "r=drv/p/d1");
}

TEST(Allocator, BindingConditionsComeLast) {
  Devices d;
  d.slice("a", "drv/p1 node=n1", "[{name: d1, bindingConditions: [ready], bindingFailureConditions: [broken]}]")
      .slice("b", "drv/p2 node=n1", "[{name: d2}]");
  EXPECT_EQ(d.get(one), "r=drv/p2/d2");
  const auto found = d.allocate({two}, "n1");
  EXPECT_EQ(Devices::text(found), "r=drv/p2/d2 r=drv/p1/d1");
  EXPECT_EQ(found.results[0].devices.results[1].binding_conditions, std::vector<std::string>{"ready"});
  EXPECT_EQ(found.results[0].devices.results[1].binding_failure_conditions, std::vector<std::string>{"broken"});
  d.features.binding_conditions = false;
  EXPECT_EQ(d.get(two), "none");
}

TEST(Allocator, ConsumableCapacity) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d, allowMultipleAllocations: true, capacity: {memory: {value: 10Gi, requestPolicy: {default: 1Gi}}}}]");
  const auto asks = [](const std::string& amount) { return "{requests: [{name: r, exactly: {capacity: {requests: {memory: " + amount + "}}}}]}"; };
  EXPECT_EQ(d.get_all({asks("6Gi"), asks("4Gi")}), "r=drv/p/d; r=drv/p/d") << "several have it";
  EXPECT_EQ(d.get_all({asks("6Gi"), asks("5Gi")}), "none");
  EXPECT_EQ(d.get_all({one, one}), "r=drv/p/d; r=drv/p/d");
  const auto found = d.allocate({asks("6Gi"), one}, "n1");
  EXPECT_EQ(found.results[0].devices.results[0].consumed_capacity.get("memory")->text(), "6Gi");
  EXPECT_EQ(found.results[1].devices.results[0].consumed_capacity.get("memory")->text(), "1Gi") << "the default";
  EXPECT_NE(found.results[0].devices.results[0].share_id, found.results[1].devices.results[0].share_id);
  d.taken("drv/p/d", "{shareID: x, consumedCapacity: {memory: 7Gi}}");
  EXPECT_EQ(d.get(asks("4Gi")), "none");
  EXPECT_EQ(d.get(asks("3Gi")), "r=drv/p/d");
  EXPECT_EQ(d.get("{requests: [{name: r, exactly: {capacity: {requests: {cores: 1}}}}]}"), "none") << "it has none of that";
  d.features.consumable_capacity = false;
  EXPECT_EQ(d.get(asks("1Gi")), "error: claim default/c0, request r: has capacity requests, but the DRAConsumableCapacity feature is disabled");
}

// The first share of a device takes its counters, further ones do not.
TEST(Allocator, SharesAndCounters) {
  Devices d;
  d.slice("a", "drv/p node=n1 count=2",
          "[{name: d, allowMultipleAllocations: true, capacity: {memory: {value: 10Gi, requestPolicy: {default: 1Gi}}}, consumesCounters: "
          "[{counterSet: s, "
          "counters: {c: {value: 1}}}]}]");
  d.slice("counters", "drv/p node=n1 count=2", "[]", "{sharedCounters: [{name: s, counters: {c: {value: 1}}}]}");
  EXPECT_EQ(d.get_all({one, one}), "r=drv/p/d; r=drv/p/d");
  d.taken("drv/p/d", "{shareID: x, consumedCapacity: {memory: 1Gi}}");
  EXPECT_EQ(d.get(one), "r=drv/p/d");
}

TEST(Allocator, Configurations) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d1}, {name: d2}, {name: d3}]");
  d.device_class("set", "{config: [{opaque: {driver: drv, parameters: {of: class}}}]}");
  const auto found =
      d.allocate({"{requests: [{name: r, exactly: {deviceClassName: set}}, {name: s, firstAvailable: [{name: x, deviceClassName: set}]}, {name: t, "
                  "exactly: {}}], config: [{opaque: {driver: drv, parameters: {of: all}}}, {requests: [s/x], opaque: {driver: drv, parameters: "
                  "{of: s}}}, {requests: [s/y], opaque: {driver: drv, parameters: {of: none}}}]}"},
                 "n1");
  ASSERT_EQ(found.kind, Allocation::Kind::Allocated) << Devices::text(found);
  std::string text;
  for (const auto& config : found.results[0].devices.config) {
    text += config.source + "[";
    for (const auto& request : config.requests) text += request + ",";
    text += "]" + config.opaque->parameters.raw + " ";
  }
  EXPECT_EQ(text, R"(FromClass[r,s/x,]{"of":"class"} FromClaim[]{"of":"all"} FromClaim[s/x,]{"of":"s"} )");
}

// Nothing fits, and there are very many ways to find out.
TEST(Allocator, TheSearchIsBounded) {
  Devices d;
  std::string devices;
  for (int i = 0; i < 40; ++i)
    devices += (i == 0 ? "[{name: d" : ", {name: d") + std::to_string(i) + ", attributes: {m: {int: " + std::to_string(i / 2) + "}}}";
  d.slice("a", "drv/p node=n1", devices + "]");
  int looks = 0;
  d.interrupted = [&] { return ++looks == 3; };
  EXPECT_EQ(
      d.get("{requests: [{name: a, exactly: {count: 15}}, {name: b, exactly: {count: 3}}], constraints: [{matchAttribute: drv/m, requests: [b]}]}"),
      "timed out");
  EXPECT_EQ(looks, 3);
}

// As many claims as a pod can name do not end the stack.
TEST(Allocator, ManyClaims) {
  Devices d;
  d.slice("a", "drv/p node=n1", "[{name: d, allowMultipleAllocations: true}]");
  const std::vector<std::string> claims(5000, "{requests: [{name: r, exactly: {count: 1}}]}");
  const auto found = d.allocate(claims, "n1");
  ASSERT_EQ(found.kind, Allocation::Kind::Allocated);
  EXPECT_EQ(found.results.size(), claims.size());
}

TEST(AllocatedState, CountsAndForgets) {
  AllocatedState state;
  const auto allocation = testing::from_yaml<v1::AllocationResult>(
      "{devices: {results: [{driver: d, pool: p, device: a}, {driver: d, pool: p, device: b, shareID: s, consumedCapacity: {m: 2}}, {driver: d, "
      "pool: p, device: c, "
      "adminAccess: true}]}}");
  state.add(allocation);
  state.add(allocation);
  EXPECT_EQ(state.size(), 2u);
  EXPECT_EQ(state.find("d/p/a")->owners, 2u);
  EXPECT_EQ(state.find("d/p/b")->consumed.get("m")->text(), "4");
  state.remove(allocation);
  EXPECT_EQ(state.find("d/p/a")->owners, 1u);
  EXPECT_EQ(state.find("d/p/b")->consumed.get("m")->text(), "2");
  state.remove(allocation);
  EXPECT_EQ(state.size(), 0u);
}

}  // namespace
}  // namespace pintle::scheduler::devices
