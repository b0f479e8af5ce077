#include "kubelet/static_pods/url_pod_source.h"

#include <gtest/gtest.h>

#include <deque>

#include "kubelet/static_pods/manifest.h"
#include "net/testing.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::static_pods {
namespace {

using namespace std::chrono_literals;

std::string pod_text(const std::string& name, const std::string& more = "") {
  return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name + R"("},"spec":{"containers":[{"name":"c","image":"b:1")" + more + "}]}}";
}
std::string list_text(const std::string& items) { return R"({"kind":"PodList","apiVersion":"v1","items":[)" + items + "]}"; }

const ManifestSource of_url{"http://pods/x", "Node-1", "2026-01-01T00:00:00Z", true};

TEST(UrlPods, OnePodOrAList) {
  const auto one = parse_static_pods(pod_text("a"), of_url);
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_EQ(one->size(), 1u);
  EXPECT_EQ(one->front().metadata.name, "a-node-1");
  EXPECT_EQ(*one->front().metadata.annotations.get("kubernetes.io/config.source"), "http");
  EXPECT_TRUE(one->front().spec.tolerations.empty()) << "a file's pods alone tolerate all";
  EXPECT_NE(one->front().metadata.uid, parse_static_pods(pod_text("a"), {"http://pods/y", "Node-1", "", true})->front().metadata.uid);
  EXPECT_EQ(parse_static_pods(list_text(pod_text("a") + "," + pod_text("b")), of_url)->size(), 2u);
  EXPECT_EQ(parse_static_pods(list_text(""), of_url)->size(), 0u);
}

void check_refused(const std::string& text, std::string_view why) {
  const auto pods = parse_static_pods(text, of_url);
  ASSERT_FALSE(pods) << why;
  EXPECT_NE(pods.error().message.find(why), std::string::npos) << pods.error().message;
}
TEST(UrlPods, Refused) {
  check_refused("<html>", "couldn't parse as pod");
  check_refused(R"({"kind":"Service","apiVersion":"v1"})", "neither a v1 Pod nor a v1 PodList");
  check_refused(R"({"kind":"PodList","apiVersion":"v1","items":{}})", "items is no list");
  check_refused(list_text(pod_text("a") + "," + pod_text("a")), "stands in it twice");
  check_refused(list_text(pod_text("a") + ",{}"), "name is needed");
  check_refused(pod_text("../a"), "metadata.name");
  check_refused(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","uid":"../../x"},"spec":{"containers":[{"name":"c","image":"b"}]}})",
                "metadata.uid");
  check_refused(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"containers":[{"name":"../c","image":"b"}]}})",
                "the name of a container");
  check_refused(pod_text("a", R"(,"envFrom":[{"secretRef":{"name":"s"}}])"), "static pods may not reference secrets");
  std::string many = pod_text("p0");
  for (std::size_t i = 1; i <= pods_of_url_max; ++i) many += "," + pod_text("p" + std::to_string(i));
  check_refused(list_text(many), "more than 1000 pods");
}

void check_redirect(std::string_view location, std::string_view wanted) {
  const auto next = redirect_target("https://h:1/a?b", location);
  EXPECT_EQ(next ? *next : "refused", wanted) << location;
}
TEST(UrlPods, Redirects) {
  check_redirect("/c", "https://h:1/c");
  check_redirect("https://other/c", "https://other/c");
  check_redirect("http://h:1/c", "refused");
  check_redirect("//other/c", "refused");
  check_redirect("unix:/run/x:/c", "refused");
  check_redirect("", "refused");
}

struct Answer {
  int status = 200;
  std::string body;
  std::string location;
  bool hangs = false;
};
// Gives the answers in turn, the last one for ever.
class Server final : public net::Transport {
 public:
  explicit Server(std::deque<Answer>& answers, std::vector<net::ClientRequest>& asked) : answers_(answers), asked_(asked) {}
  rt::Task<Result<net::Response>> send(rt::Context ctx, net::ClientRequest request) override {
    asked_.push_back(std::move(request));
    Answer answer = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    if (answer.hangs) {
      (void)co_await rt::sleep_for(ctx, 1h);
      co_return error(Reason::Timeout, "too late");
    }
    net::Response out;
    out.status = answer.status;
    if (!answer.location.empty()) out.headers.add("Location", answer.location);
    out.body = std::make_unique<net::testing::Pieces>(answer.body, 1 << 16);
    co_return std::move(out);
  }
  rt::Task<void> close() override { co_return; }

 private:
  std::deque<Answer>& answers_;
  std::vector<net::ClientRequest>& asked_;
};

struct Followed {
  std::vector<std::vector<PodPtr>> told;
  std::vector<net::ClientRequest> asked;
};
rt::Task<void> follow(std::deque<Answer>* answers, rt::Duration time, Followed* out) {
  UrlPodDeps deps{rt::Executor::current().runtime(), std::make_unique<Server>(*answers, out->asked), "http://pods/x", {}, 20s, "n1", {}};
  deps.headers.add("X-Token", "t");
  deps.set = [out](std::vector<PodPtr> pods) { out->told.push_back(std::move(pods)); };
  UrlPodSource source(std::move(deps));
  source.start();
  (void)co_await rt::sleep_for(rt::Context::background(), time);
  co_await source.stop();
}
Followed followed(std::deque<Answer> answers, rt::Duration time) {
  Followed out;
  rt::testing::run_sim(follow(&answers, time, &out));
  return out;
}

TEST(UrlPods, AreFollowed) {
  const std::string a = pod_text("a"), b = pod_text("b");
  const auto it =
      followed({{200, list_text(a)}, {200, list_text(a)}, {200, list_text(a + "," + b)}, {500, ""}, {200, "{"}, {200, b}, {200, ""}}, 150s);
  ASSERT_EQ(it.told.size(), 4u) << "the same answer and those of no use change nothing";
  EXPECT_EQ(it.told[0].size(), 1u);
  ASSERT_EQ(it.told[1].size(), 2u);
  EXPECT_EQ(it.told[1][0], it.told[0][0]) << "a pod that is as it was stays that object";
  ASSERT_EQ(it.told[2].size(), 1u);
  EXPECT_EQ(it.told[2][0]->metadata.name, "b-n1");
  EXPECT_TRUE(it.told[3].empty());
  EXPECT_EQ(it.asked.front().headers.get("x-token"), "t");
}

TEST(UrlPods, OneThatHangsIsLeft) {
  const auto it = followed({{200, "", "", true}, {200, pod_text("a")}}, 31s);
  EXPECT_EQ(it.told.size(), 1u) << "after ten seconds and the time between looks";
}

TEST(UrlPods, BoundedAndTokensStayWithTheirServer) {
  EXPECT_TRUE(followed({{200, std::string(manifest_bytes_max + 1, ' ')}}, 50s).told.empty());
  const auto it = followed({{302, "", "/y"}, {302, "", "http://other/z"}, {200, pod_text("a")}}, 1s);
  ASSERT_EQ(it.asked.size(), 3u);
  EXPECT_EQ(it.asked[1].url, "http://pods/y");
  EXPECT_EQ(it.asked[1].headers.get("x-token"), "t");
  EXPECT_EQ(it.asked[2].headers.get("x-token"), "");
  EXPECT_EQ(it.told.size(), 1u);
  EXPECT_EQ(followed({{302, "", "/y"}}, 1s).asked.size(), static_cast<std::size_t>(url_redirects_max) + 1);
}

}  // namespace
}  // namespace pintle::kubelet::static_pods
