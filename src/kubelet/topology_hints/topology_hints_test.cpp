#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kubelet/topology_hints/hints.h"

namespace pintle::kubelet::topology_hints {
namespace {

// "1! 10 11": masks, those that are preferred with "!"; "any!", "any"; "-": none is possible; "": no preference.
std::optional<std::vector<TopologyHint>> hints(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::vector<TopologyHint> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word == "-") return std::vector<TopologyHint>();
    TopologyHint& hint = out.emplace_back();
    hint.preferred = word.back() == '!';
    if (hint.preferred) word.pop_back();
    if (word != "any") hint.nodes = std::stoull(word, nullptr, 2);
  }
  return out;
}

std::string shown(const std::vector<TopologyHint>& of) {
  std::string out;
  for (const TopologyHint& hint : of)
    out += (out.empty() ? "" : " ") + (hint.nodes ? fmt::format("{:b}", *hint.nodes) : "any") + (hint.preferred ? "!" : "");
  return out;
}

TEST(TopologyHints, AreMade) {
  const auto made = [](std::vector<NumaMask> all, std::vector<NumaMask> available, std::vector<NumaMask> reusable, std::size_t request) {
    HintInputs inputs{{0, 1}, std::move(all), std::move(available), std::move(reusable), request};
    return shown(make_hints(inputs));
  };
  EXPECT_EQ(made({1, 1, 2, 2}, {1, 1, 2, 2}, {}, 2), "1! 10! 11");
  EXPECT_EQ(made({1, 1, 2, 2}, {1, 2, 2}, {}, 2), "10! 11");
  EXPECT_EQ(made({1, 1, 2, 2}, {1, 2}, {}, 2), "11") << "one node could do, if it were free";
  EXPECT_EQ(made({1, 1, 2, 2}, {1, 2, 2}, {}, 3), "11!");
  EXPECT_EQ(made({1, 1, 2, 2}, {2}, {1}, 2), "11") << "what is used again counts, where it is";
  EXPECT_EQ(made({1, 1, 2, 2}, {2, 1}, {1}, 2), "1! 11");
  EXPECT_EQ(made({3, 3}, {3, 3}, {}, 2), "1! 10! 11") << "near both";
  EXPECT_EQ(made({0, 0}, {0, 0}, {}, 1), "");
}

NumaNodes machine(int nodes) {
  NumaNodes out;
  for (int i = 0; i < nodes; ++i) out.nodes.push_back(i);
  return out;
}

struct MergeCase {
  const char* policy;
  std::vector<const char*> resources;
  const char* merged;  // "refused"
};
TEST(TopologyPolicy, Table) {
  const MergeCase cases[] = {
      {"best-effort", {}, "11!"},
      {"best-effort", {""}, "11!"},
      {"best-effort", {"1! 10! 11"}, "1!"},
      {"best-effort", {"1! 10! 11", "10! 11"}, "10!"},
      {"best-effort", {"1! 11", "10! 11"}, "1"},    // not both preferred on one node
      {"best-effort", {"11!", "1! 10! 11"}, "11"},  // as many nodes as the one that needs most
      {"best-effort", {"-", "10! 11"}, "10"},
      {"best-effort", {"1! 11", "", "any!"}, "1!"},
      {"restricted", {"1! 10! 11", "10! 11"}, "10!"},
      {"restricted", {"1! 11", "10! 11"}, "refused"},
      {"restricted", {"11!"}, "11!"},
      {"restricted", {"-"}, "refused"},
      {"restricted", {""}, "11!"},
      {"single-numa-node", {"1! 10! 11", "10! 11"}, "10!"},
      {"single-numa-node", {"11!"}, "refused"},
      {"single-numa-node", {"-"}, "refused"},
      {"single-numa-node", {""}, "any!"},
      {"single-numa-node", {"1! 11", "10! 11"}, "refused"},
  };
  for (const MergeCase& one : cases) {
    const TopologyPolicy policy = *TopologyPolicy::make(one.policy, {}, machine(2));
    std::vector<ResourceHints> of;
    for (const char* resource : one.resources) of.push_back({{"r", hints(resource)}});
    const auto merged = policy.merge(of);
    EXPECT_EQ(merged ? shown({*merged}) : "refused", one.merged) << one.policy << " " << fmt::format("{}", one.resources.size());
  }
}

TEST(TopologyPolicy, TheClosestNodes) {
  NumaNodes four = machine(4);
  four.distances = {{0, {10, 30, 11, 30}}, {1, {30, 10, 30, 30}}, {2, {11, 30, 10, 30}}, {3, {30, 30, 30, 10}}};
  const std::vector<ResourceHints> of = {{{"r", hints("11! 101! 1001!")}}};
  EXPECT_EQ(shown({*TopologyPolicy::make("best-effort", {}, four)->merge(of)}), "11!");
  EXPECT_EQ(shown({*TopologyPolicy::make("best-effort", {{"prefer-closest-numa-nodes", "true"}}, four)->merge(of)}), "101!");
}

// Every set of eight nodes for a dozen resources: upstream would try 255^12 combinations.
TEST(TopologyPolicy, IsBounded) {
  HintInputs inputs;
  inputs.nodes = machine(8).nodes;
  inputs.request = 1;
  for (int i = 0; i < 8; ++i) inputs.all.push_back(NumaMask{1} << i);
  inputs.available = inputs.all;
  ResourceHints of;
  for (int i = 0; i < 12; ++i) of[std::to_string(i)] = make_hints(inputs);
  EXPECT_EQ(shown({*TopologyPolicy::make("restricted", {}, machine(8))->merge({of})}), "1!");
}

TEST(TopologyPolicy, Refusals) {
  EXPECT_FALSE(TopologyPolicy::make("none", {}, machine(1)));
  EXPECT_FALSE(TopologyPolicy::make("restricted", {{"no", "true"}}, machine(1)));
  EXPECT_FALSE(TopologyPolicy::make("restricted", {{"prefer-closest-numa-nodes", "x"}}, machine(1)));
  EXPECT_FALSE(TopologyPolicy::make("restricted", {{"max-allowable-numa-nodes", "7"}}, machine(1)));
  EXPECT_EQ(TopologyPolicy::make("restricted", {}, machine(9)).error().message, "unsupported on machines with more than 8 NUMA Nodes");
  EXPECT_TRUE(TopologyPolicy::make("restricted", {{"max-allowable-numa-nodes", "12"}}, machine(9)));
  EXPECT_FALSE(TopologyPolicy::make("restricted", {{"max-allowable-numa-nodes", "64"}}, machine(17)));
}

TEST(NumaNodes, AreReadFromSysfs) {
  const std::string root = ::testing::TempDir() + "pintle-numa";
  std::filesystem::remove_all(root);
  const auto put = [&](const std::string& path, const std::string& text) {
    const std::string whole = root + "/devices/system/node/" + path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << text << "\n";
  };
  put("online", "0,2");
  put("node0/distance", "10 21");
  put("node2/distance", "21 10");
  const NumaNodes out = read_numa_nodes(root);
  EXPECT_EQ(out.nodes, (std::vector<int32_t>{0, 2}));
  EXPECT_EQ(out.distances.at(2), (std::vector<uint64_t>{21, 10}));
  EXPECT_EQ(read_numa_nodes("/nowhere").nodes, std::vector<int32_t>{0});
}

}  // namespace
}  // namespace pintle::kubelet::topology_hints
