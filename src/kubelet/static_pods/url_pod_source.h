// UrlPodSource: the static pods that a URL answers with (staticPodURL), asked for again by the clock. An answer that cannot be had or
// used leaves the pods that there are; an empty one takes them all away. What is sent of an operator's headers goes to that server
// alone. Belongs to one executor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "kubelet/static_pods/static_pod_source.h"
#include "kubelet/types/pod.h"
#include "net/http.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::static_pods {

constexpr rt::Duration url_answer_max = std::chrono::seconds(10);  // one look, redirects and body included
constexpr rt::Duration url_check_least = std::chrono::milliseconds(100);
constexpr int url_redirects_max = 10;

// Invalid: staticPodURL is no http or https URL (or carries a password), a header's name or value cannot be sent. Pure.
Result<Unit> check_static_pod_url(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);
// The next URL after a redirect: absolute, or from the root of the same server. BadRequest: neither, or from https to http. Pure.
Result<std::string> redirect_target(const std::string& from, std::string_view location);

struct UrlPodDeps {
  rt::Runtime& runtime;
  std::unique_ptr<net::Transport> transport;
  std::string url;
  net::Headers headers;
  rt::Duration check_every;
  std::string node_name;
  // Every pod that there is; called after each answer that says other pods than the one before.
  std::function<void(std::vector<PodPtr> pods)> set;
};
// Of a configuration with a staticPodURL that check_static_pod_url() lets pass.
Result<UrlPodDeps> url_pod_deps(rt::Runtime& runtime, const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

class UrlPodSource {
 public:
  explicit UrlPodSource(UrlPodDeps deps) : deps_(std::move(deps)) {}
  void start() { tasks_.spawn(run(tasks_.context())); }
  rt::Task<void> stop();

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Task<Result<Unit>> look(rt::Context ctx);
  rt::Task<Result<std::string>> fetch(rt::Context ctx);
  void tell(Result<Unit> outcome);

  UrlPodDeps deps_;
  std::string text_;  // of the last answer, used or not
  bool told_ = false;
  std::vector<PodPtr> pods_;
  int failures_ = 0;  // in a row
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::static_pods
