#include "component/serving/component_pages.h"

#include <gtest/gtest.h>

#include "component/flags.h"

namespace pintle::component {
namespace {

TEST(ComponentPages, Statusz) {
  StatusFacts facts;
  facts.component = "kube-scheduler";
  facts.started = rt::WallTime(std::chrono::seconds(1'796'011'200));
  facts.now = facts.started + std::chrono::seconds(3 * 3600 + 4 * 60 + 5);
  facts.paths = {"/healthz", "/metrics"};
  const std::string page = statusz_page(facts);
  EXPECT_TRUE(page.starts_with("\nkube-scheduler statusz\nWarning: ")) << page;
  EXPECT_NE(page.find("\nStarted: Mon Nov 30 04:00:00 UTC 2026\nUp: 3 hr 04 min 05 sec\nBinary version: 1.36."), std::string::npos) << page;
  EXPECT_NE(page.find("\nEmulation version: 1.36\nPaths: /healthz /metrics\n"), std::string::npos) << page;
}

TEST(ComponentPages, Flagz) {
  constexpr FlagSpec specs[] = {
      {.name = "leader-elect", .type = FlagType::Bool, .default_value = "true", .help = "", .effective = true},
      {.name = "bind-address", .type = FlagType::Ip, .default_value = "0.0.0.0", .help = "", .effective = true},
      {.name = "controllers", .type = FlagType::Strings, .default_value = "[*]", .help = "", .effective = true},
      {.name = "concurrent-syncs", .type = FlagType::Int, .help = "", .effective = true},
      {.name = "debug", .type = FlagType::Bool, .help = "", .effective = true},
  };
  FlagSet flags("x", specs);
  const char* args[] = {"--controllers=a,b", "--controllers=c", "--bind-address=127.0.0.1"};
  ASSERT_TRUE(flags.parse(args));
  EXPECT_TRUE(flagz_page("kube-scheduler", flags.values())
                  .ends_with("\nbind-address: 127.0.0.1\nconcurrent-syncs: 0\ncontrollers: [a,b,c]\ndebug: false\nleader-elect: true\n"))
      << flagz_page("kube-scheduler", flags.values());
}

TEST(ComponentPages, AreTextAlone) {
  for (const char* accept : {"", "*/*", "text/plain", "application/json, text/*;q=0.5"}) EXPECT_TRUE(takes_text(accept)) << accept;
  for (const char* accept : {"application/json", "text/html", "application/json;as=Statusz;v=v1alpha1;g=config.k8s.io"})
    EXPECT_FALSE(takes_text(accept)) << accept;
}

}  // namespace
}  // namespace pintle::component
