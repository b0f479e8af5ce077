#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

const std::string required = "requiredDuringSchedulingIgnoredDuringExecution", preferred = "preferredDuringSchedulingIgnoredDuringExecution";
std::string term(const std::string& app, const std::string& key, const std::string& more = "") {
  return "{topologyKey: " + key + ", labelSelector: {matchLabels: {app: " + app + "}}" + more + "}";
}
// kind: podAffinity, podAntiAffinity
std::string must(const std::string& kind, const std::string& terms) { return "{affinity: {" + kind + ": {" + required + ": [" + terms + "]}}}"; }
std::string would(const std::string& kind, int weight, const std::string& one) {
  return "{affinity: {" + kind + ": {" + preferred + ": [{weight: " + std::to_string(weight) + ", podAffinityTerm: " + one + "}]}}}";
}

// n1 and n2 in zone a, n3 in zone b, n4 in none; a pod of app=db on n1.
Scene scene() { return Scene().node("n1 zone=a host=n1").node("n2 zone=a host=n2").node("n3 zone=b host=n3").node("n4 host=n4").pod("d @n1 app=db"); }
void check(const Scene& in, const std::string& pod, const std::string& spec, const std::string& want) {
  EXPECT_EQ(in.filter("InterPodAffinity", pod_of(pod, spec)), want) << pod << " " << spec;
}
const std::string far = "!node(s) didn't match pod affinity rules", near = "node(s) didn't match pod anti-affinity rules",
                  refused = "node(s) didn't satisfy existing pods anti-affinity rules";

TEST(InterPodAffinity, PodsWithoutTermsAreNotAsked) { check(scene(), "p", "", "skip"); }

TEST(InterPodAffinity, BesideOthers) {
  check(scene(), "p", must("podAffinity", term("db", "zone")), "n1; n2; n3: " + far + "; n4: " + far);
  check(scene(), "p", must("podAffinity", term("db", "host")), "n1; n2: " + far + "; n3: " + far + "; n4: " + far);
  check(scene(), "p", must("podAffinity", term("db", "zone") + ", " + term("db", "host")), "n1; n2: " + far + "; n3: " + far + "; n4: " + far);
  check(scene(), "p ns=other", must("podAffinity", term("db", "zone")), "n1: " + far + "; n2: " + far + "; n3: " + far + "; n4: " + far);
  check(scene(), "p ns=other", must("podAffinity", term("db", "zone", ", namespaces: [default]")), "n1; n2; n3: " + far + "; n4: " + far);
}

// All terms have to be met by one and the same pod.
TEST(InterPodAffinity, TermsTogether) {
  check(scene().pod("w @n1 app=web"), "p", must("podAffinity", term("db", "host") + ", " + term("web", "host")),
        "n1: " + far + "; n2: " + far + "; n3: " + far + "; n4: " + far);
}

TEST(InterPodAffinity, TheFirstOfAGroupGoesAnywhereWithTheLabel) {
  check(scene(), "p app=new", must("podAffinity", term("new", "zone")), "n1; n2; n3; n4: " + far);
  check(scene(), "p app=other", must("podAffinity", term("new", "zone")), "n1: " + far + "; n2: " + far + "; n3: " + far + "; n4: " + far);
}

TEST(InterPodAffinity, AwayFromOthers) {
  check(scene(), "p", must("podAntiAffinity", term("db", "zone")), "n1: " + near + "; n2: " + near + "; n3; n4");
  check(scene(), "p", must("podAntiAffinity", term("db", "host")), "n1: " + near + "; n2; n3; n4");
  check(scene(), "p", must("podAntiAffinity", term("none", "zone")), "n1; n2; n3; n4");
  check(scene(), "p ns=other", must("podAntiAffinity", term("db", "zone", ", namespaceSelector: {}")), "n1: " + near + "; n2: " + near + "; n3; n4");
}

TEST(InterPodAffinity, OthersMayRefuse) {
  const Scene in = scene().pod("x @n3 app=x", must("podAntiAffinity", term("web", "zone")));
  check(in, "p app=web", "", "n1; n2; n3: " + refused + "; n4");
  check(in, "p app=other", "", "skip");
  check(in, "p app=web ns=other", "", "skip");
}

TEST(InterPodAffinity, NamespaceSelectors) {
  const Scene in = scene().object<api::core_v1::Namespace>("{metadata: {name: default, labels: {team: a}}}");
  const auto by = [](const std::string& team) {
    return must("podAntiAffinity", term("db", "host", ", namespaceSelector: {matchLabels: {team: " + team + "}}"));
  };
  check(in, "p ns=other", by("a"), "n1: " + near + "; n2; n3; n4");
  check(in, "p ns=other", by("b"), "n1; n2; n3; n4");
}

void check_score(const Scene& in, const std::string& pod, const std::string& spec, const std::string& want, const std::string& args = "") {
  EXPECT_EQ(in.score("InterPodAffinity", pod_of(pod, spec), args), want) << pod << " " << spec;
}

TEST(InterPodAffinity, Scores) {
  check_score(scene(), "p", "", "skip");
  check_score(scene(), "p", would("podAffinity", 5, term("db", "zone")), "n1=100 n2=100 n3=0 n4=0");
  check_score(scene(), "p", would("podAntiAffinity", 5, term("db", "zone")), "n1=0 n2=0 n3=100 n4=100");
  check_score(scene(), "p", would("podAffinity", 5, term("none", "zone")), "skip");
  check_score(scene().pod("e @n3 app=db").pod("f @n3 app=db"), "p", would("podAffinity", 5, term("db", "zone")), "n1=50 n2=50 n3=100 n4=0");
}

// Pods that are there have wishes too: preferred ones by their weight, required affinity by hardPodAffinityWeight (1).
TEST(InterPodAffinity, OthersWishesCount) {
  const Scene wishing = scene().pod("x @n3 app=x", would("podAffinity", 5, term("web", "zone")));
  check_score(wishing, "p app=web", "", "n1=0 n2=0 n3=100 n4=0");
  check_score(wishing, "p app=web", "", "skip", R"({"ignorePreferredTermsOfExistingPods": true})");
  const Scene needing = scene().pod("x @n3 app=x", must("podAffinity", term("web", "zone")));
  check_score(needing, "p app=web", "", "n1=0 n2=0 n3=100 n4=0");
  check_score(needing, "p app=web", "", "skip", R"({"hardPodAffinityWeight": 0})");
}

TEST(InterPodAffinity, Arguments) {
  EXPECT_EQ(Scene().refusal("InterPodAffinity", R"({"hardPodAffinityWeight": 100})"), "");
  EXPECT_NE(Scene().refusal("InterPodAffinity", R"({"hardPodAffinityWeight": 101})"), "");
  EXPECT_NE(Scene().refusal("InterPodAffinity", R"({"hardPodAffinityWeight": -1})"), "");
  EXPECT_NE(Scene().refusal("InterPodAffinity", R"({"bogus": 1})"), "");
}

TEST(InterPodAffinity, WhatMakesAnotherTryWorthIt) {
  const Pod wants_db = pod_of("p", must("podAffinity", term("db", "zone"))), avoids_db = pod_of("p", must("podAntiAffinity", term("db", "zone")));
  const auto added = [](const Pod& pod, const std::string& other) {
    return Scene().queues<Pod>("InterPodAffinity", pod, EventResource::Pod, action::add, nullptr, shared_pod(other));
  };
  const auto removed = [](const Pod& pod, const PodPtr& other) {
    return Scene().queues<Pod>("InterPodAffinity", pod, EventResource::Pod, action::remove, other, nullptr);
  };
  EXPECT_TRUE(added(wants_db, "d @n1 app=db"));
  EXPECT_FALSE(added(wants_db, "d @n1 app=web"));
  EXPECT_FALSE(added(avoids_db, "d @n1 app=db"));
  EXPECT_TRUE(removed(avoids_db, shared_pod("d @n1 app=db")));
  EXPECT_FALSE(removed(wants_db, shared_pod("d @n1 app=db")));
  EXPECT_TRUE(removed(pod_of("p app=web"), shared_pod("x @n1", must("podAntiAffinity", term("web", "zone")))));
}

}  // namespace
}  // namespace pintle::scheduler::plugins
