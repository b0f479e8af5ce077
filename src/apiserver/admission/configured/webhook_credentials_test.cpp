#include "apiserver/admission/configured/webhook_credentials.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::admission::configured {
namespace {

std::string reached_at(std::string url) {
  callout::Target target;
  target.url = std::move(url);
  return host_and_port(target);
}

TEST(WebhookCredentials, NameOfATarget) {
  EXPECT_EQ(reached_at("https://hooks.example.com/validate"), "hooks.example.com:443");
  EXPECT_EQ(reached_at("https://hooks.example.com"), "hooks.example.com:443");
  EXPECT_EQ(reached_at("https://hooks.example.com:8443/x:y?z"), "hooks.example.com:8443");
  EXPECT_EQ(reached_at("https://[::1]/x"), "[::1]:443");
  EXPECT_EQ(reached_at("https://[::1]:9/x"), "[::1]:9");
  callout::Target service;
  service.service = callout::ServiceName{"ns", "hooks", 8443};
  EXPECT_EQ(host_and_port(service), "hooks.ns.svc:8443");
}

// The user that is chosen for a target, among those of these names; "": none.
std::string chosen(const std::vector<std::string>& names, std::string_view target, const std::string& current = "") {
  client::KubeconfigUsers users;
  users.current = current;
  for (const std::string& name : names) {
    client::Credentials credentials;
    credentials.headers.emplace_back("user", name);
    users.by_name[name] = std::make_shared<const client::Credentials>(std::move(credentials));
  }
  const auto found = credentials_for(users, target);
  return found ? found->headers.front().second : "";
}

TEST(WebhookCredentials, TheClosestNameCounts) {
  const std::vector<std::string> all{"hooks.ns.svc:443", "*.ns.svc:443", "*.svc:443", "hooks.ns.svc", "*.ns.svc", "*", "other"};
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(chosen({all.begin() + static_cast<std::ptrdiff_t>(i), all.end()}, "hooks.ns.svc:443", "other"), all[i]);
  EXPECT_EQ(chosen({"hooks.ns.svc", "*.ns.svc"}, "hooks.ns.svc:8443"), "") << "without a port is for 443";
  EXPECT_EQ(chosen({"*.ns.svc:8443"}, "hooks.ns.svc:8443"), "*.ns.svc:8443");
  EXPECT_EQ(chosen({"other"}, "hooks.ns.svc:443"), "") << "no context is current";
  EXPECT_EQ(chosen({"::1"}, "[::1]:443"), "::1");
  EXPECT_EQ(chosen({}, "hooks.ns.svc:443"), "");
}

}  // namespace
}  // namespace pintle::apiserver::admission::configured
