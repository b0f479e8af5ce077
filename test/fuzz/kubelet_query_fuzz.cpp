// What a client asks of the kubelet's server: the path's attributes, the query, the options of logs.
#include "apimachinery/pod_logs/log_options.h"
#include "base/check.h"
#include "driver.h"
#include "kubelet/server/attributes.h"
#include "net/url.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  const auto question = std::min(input.find('?'), input.size());
  const std::string_view raw = input.substr(0, question);
  const auto path = net::percent_decode(raw);
  if (path && path->starts_with('/')) {
    const auto attributes = kubelet::server::request_attributes("GET", *path);
    CHECK(attributes.verb == "get", "a GET is a get");
    const auto post = kubelet::server::request_attributes("POST", *path);
    CHECK(post.subresources == attributes.subresources, "the method changes the verb alone");
  }
  const net::Query query = net::parse_query(input.substr(std::min(question + 1, input.size())));
  const auto options = apimachinery::parse_log_options(query);
  if (options) (void)apimachinery::validate_log_options(*options);
}

std::vector<std::string> seeds() {
  return {"/containerLogs/default/web/main?follow=true&tailLines=10&timestamps=1&limitBytes=100",
          "/containerLogs/default/web/main?sinceSeconds=5&sinceTime=2026-01-02T03%3A04%3A05Z&previous=true&stream=Stdout",
          "/exec/default/web/u1/main?command=sh&command=-c&input=1&output=1&tty=1",
          "/logs/containers/x.log",
          "/stats/summary?only_cpu_and_memory=true",
          "/metrics/cadvisor",
          "/pods/",
          "/"};
}
std::vector<std::string> tokens() {
  return {"%2e%2e", "%00", "tailLines=", "sinceTime=", "&", "=", "-1", "9223372036854775808", "/logs", "/exec", "/proxy", ";", "+"};
}

}  // namespace pintle::fuzz
