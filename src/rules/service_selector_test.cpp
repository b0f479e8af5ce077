#include "rules/service_selector.h"

#include <gtest/gtest.h>

namespace pintle::rules {
namespace {

TEST(ServiceSelector, SelectsWhatHasAllItsLabels) {
  api::core_v1::Service service;
  EXPECT_FALSE(selects(service, {{"app", "web"}})) << "without a selector";
  EXPECT_TRUE(selector_of(service).matches_nothing());
  service.spec.selector = {{"app", "web"}, {"tier", ""}};
  struct Case {
    FlatMap<std::string> labels;
    bool selected;
  };
  for (const Case& one : {Case{{{"app", "web"}, {"tier", ""}}, true}, Case{{{"app", "web"}, {"tier", ""}, {"more", "x"}}, true},
                          Case{{{"app", "web"}}, false}, Case{{{"app", "db"}, {"tier", ""}}, false}, Case{{}, false}}) {
    EXPECT_EQ(selects(service, one.labels), one.selected);
    EXPECT_EQ(selector_of(service).matches(one.labels), one.selected);
  }
}

}  // namespace
}  // namespace pintle::rules
