// Objects of plan tests from text, and what a plan says into text. A pod is a name and words; anything else is YAML. What cannot
// be read fails the test that says it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/testing/from_yaml.h"
#include "controller/objects/time.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::testing {

// When the tests' plans are made; times in text are seconds before it.
inline constexpr rt::WallTime plan_time{std::chrono::seconds(1'000'000)};
inline api::Time ago(int64_t seconds) { return apimachinery::to_api_time(plan_time - std::chrono::seconds(seconds)); }

inline std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    std::string part(text.substr(begin, end - begin));
    part.erase(0, part.find_first_not_of(" \n"));
    if (const auto last = part.find_last_not_of(" \n"); last != part.npos) part.resize(last + 1);
    if (!part.empty()) out.push_back(std::move(part));
    begin = end + 1;
  }
  return out;
}

using api::testing::from_yaml;
template <class T>
std::shared_ptr<const T> shared_from_yaml(std::string_view yaml) {
  return std::make_shared<const T>(from_yaml<T>(yaml));
}
// The Service default/web with the uid "s" and this spec; an address of its own where none is stated.
inline api::core_v1::Service service_of(const std::string& spec) {
  api::core_v1::Service service;
  service.metadata.name = "web";
  service.metadata.namespace_ = "default";
  service.metadata.uid = "s";
  service.spec = from_yaml<api::core_v1::ServiceSpec>(spec);
  if (service.spec.cluster_ip.empty()) service.spec.cluster_ip = "10.96.0.10";
  return service;
}

namespace detail {

inline void set_ready(api::core_v1::Pod& pod, int64_t since_seconds, const char* status = "True") {
  pod.status.phase = "Running";
  auto& ready = pod.status.conditions.emplace_back();
  ready.type = "Ready";
  ready.status = status;
  ready.last_transition_time = ago(since_seconds);
}

inline void apply_word(api::core_v1::Pod& pod, const std::string& word) {
  const auto equals = word.find('=');
  const std::string key = word.substr(0, equals), value = equals == word.npos ? "" : word.substr(equals + 1);
  if (word.starts_with('@')) {
    pod.spec.node_name = word.substr(1);
  } else if (key == "ready") {
    set_ready(pod, value.empty() ? 1000 : std::stoll(value));
  } else if (key == "unready") {
    set_ready(pod, value.empty() ? 1000 : std::stoll(value), "False");
  } else if (key == "started") {
    pod.status.start_time = ago(std::stoll(value));
  } else if (key == "request") {  // container:resource:amount
    const std::vector<std::string> parts = split(value, ':');
    auto& containers = pod.spec.containers;
    if (containers.empty() || containers.back().name != parts.at(0)) containers.emplace_back().name = parts.at(0);
    containers.back().resources.requests[parts.at(1)] = api::Quantity::parse(parts.at(2)).value();
  } else if (word == "running" || word == "pending" || word == "failed" || word == "succeeded" || word == "unknown") {
    pod.status.phase = word;
    pod.status.phase[0] = static_cast<char>(pod.status.phase[0] - 'a' + 'A');
  } else if (word == "deleted") {
    pod.metadata.deletion_timestamp = ago(0);
  } else if (key == "age") {
    pod.metadata.creation_timestamp = ago(std::stoll(value));
  } else if (key == "rev") {
    pod.metadata.labels["controller-revision-hash"] = value;
  } else if (key == "label") {
    pod.metadata.labels[value.substr(0, value.find(':'))] = value.substr(value.find(':') + 1);
  } else if (key == "ip") {
    pod.status.pod_ips.emplace_back().ip = value;
    if (pod.status.pod_ip.empty()) pod.status.pod_ip = value;
  } else if (key == "owner") {
    auto& ref = pod.metadata.owner_references.emplace_back();
    ref.uid = ref.name = value;
    ref.controller = true;
  } else if (key == "cost") {
    pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = value;
  } else if (key == "restarts") {
    pod.status.container_statuses.emplace_back().restart_count = std::stoi(value);
  } else if (key == "host") {
    pod.spec.hostname = value.substr(0, value.find('.'));
    pod.spec.subdomain = value.substr(value.find('.') + 1);
  } else if (key == "port") {  // name:number
    auto& port = pod.spec.containers.emplace_back().ports.emplace_back();
    port.name = value.substr(0, value.find(':'));
    port.container_port = std::stoi(value.substr(value.find(':') + 1));
    port.protocol = "TCP";
  } else {
    ADD_FAILURE() << "no such word of a pod: " << word;
  }
}

}  // namespace detail

// "web-0 @n1 ready=20 rev=a": named web-0 (its uid too), in namespace default, an hour old. Words: @NODE; ready[=SECONDS] (running and
// ready for so long), unready[=SECONDS], running, pending, failed, succeeded, unknown; started=SECONDS; request=CONTAINER:RESOURCE:AMOUNT;
// deleted; age=SECONDS; rev=HASH; label=KEY:VALUE; ip=ADDRESS; owner=UID; cost=N; restarts=N; host=HOSTNAME.SUBDOMAIN; port=NAME:NUMBER.
inline api::core_v1::Pod pod_of(std::string_view text) {
  const std::vector<std::string> words = split(text, ' ');
  api::core_v1::Pod pod;
  pod.metadata.name = pod.metadata.uid = words.empty() ? "" : words[0];
  pod.metadata.namespace_ = "default";
  pod.metadata.creation_timestamp = ago(3600);
  for (std::size_t i = 1; i < words.size(); ++i) detail::apply_word(pod, words[i]);
  return pod;
}
// Pods, with commas between them.
inline std::vector<pods::PodPtr> pods_of(std::string_view text) {
  std::vector<pods::PodPtr> out;
  for (const std::string& one : split(text, ',')) out.push_back(std::make_shared<const api::core_v1::Pod>(pod_of(one)));
  return out;
}

// What tests compare: words with spaces between them.
class Words {
 public:
  void add(std::string_view word) { text_ += (text_.empty() ? "" : " ") + std::string(word); }
  // "name(a b)", or nothing where there are none.
  void add(std::string_view name, const std::vector<std::string>& items) {
    if (items.empty()) return;
    Words inside;
    for (const std::string& item : items) inside.add(item);
    add(std::string(name) + "(" + inside.text_ + ")");
  }
  void add_seconds(std::string_view name, std::optional<rt::Duration> time) {
    if (time) add(std::string(name) + "(" + std::to_string(*time / std::chrono::seconds(1)) + "s)");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};
template <class Items>
std::vector<std::string> names_of(const Items& items) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(item->metadata.name);
  return out;
}

}  // namespace pintle::controller::testing
