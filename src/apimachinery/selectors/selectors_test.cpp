#include <gtest/gtest.h>

#include "apimachinery/selectors/field_selector.h"
#include "apimachinery/selectors/label_selector.h"
#include "base/view_map.h"

namespace pintle::apimachinery {
namespace {

const FlatMap<std::string> web = {{"app", "web"}, {"tier", "front"}, {"n", "5"}, {"none", ""}};

void check_label(std::string_view text, std::string_view canonical, bool matches) {
  const auto selector = LabelSelector::parse(text);
  ASSERT_TRUE(selector) << text << ": " << selector.error().message;
  EXPECT_EQ(selector->to_string(), canonical) << text;
  EXPECT_EQ(selector->matches(web), matches) << text;
  const ViewMap in_place(std::vector<ViewMap::value_type>(web.begin(), web.end()));
  EXPECT_EQ(selector->matches(in_place), matches) << text << ", read in place";
}

TEST(LabelSelector, ParsesPrintsAndMatches) {
  check_label("", "", true);
  check_label("app=web", "app=web", true);
  check_label(" app == web , tier != back", "app==web,tier!=back", true);
  check_label("tier in (back,front),app", "app,tier in (back,front)", true);
  check_label("tier notin (front)", "tier notin (front)", false);
  check_label("absent notin (x)", "absent notin (x)", true);
  check_label("absent!=x", "absent!=x", true);
  check_label("!absent", "!absent", true);
  check_label("! app", "!app", false);
  check_label("n>4,n<6", "n>4,n<6", true);
  check_label("n>5", "n>5", false);
  check_label("app>1", "app>1", false);
  check_label("none=", "none=", true);
  check_label("none==,app", "app,none==", true);
  check_label("app in (,web)", "app in (,web)", true);
  check_label("app in (a,,b)", "app in (,a,b)", false);
  check_label("app in (web,web)", "app in (web)", true);
  check_label("in=x", "in=x", false);
  check_label("none in ()", "none in ()", true);
  check_label("example.com/a-key=1", "example.com/a-key=1", false);
}

TEST(LabelSelector, RejectsBadSyntax) {
  for (const char* text : {"app=", "=web", "app in", "app in (", "app in web", "a b",     "a=b,",         ",a", "a=b=c",   "!a=b", "a==",
                           "a>b",  "a!",   "a=(b)",  "-bad=x",   "a=-bad",     "a/b/c=d", "app in (a b)", "((", "a=\"b\"", "a=b c"}) {
    const bool good = std::string_view(text) == "app=" || std::string_view(text) == "a==";
    const auto selector = LabelSelector::parse(text);
    EXPECT_EQ(selector.has_value(), good) << text;
    if (!selector) {
      EXPECT_EQ(selector.error().reason, Reason::BadRequest) << text;
    }
  }
}

TEST(LabelSelector, NothingAndExact) {
  EXPECT_FALSE(LabelSelector::nothing().matches(web));
  EXPECT_TRUE(LabelSelector().matches_everything());
  const auto selector = LabelSelector::parse("app=web,tier in (front),n>1");
  EXPECT_EQ(selector->exact_value("app"), "web");
  EXPECT_EQ(selector->exact_value("tier"), "front");
  EXPECT_EQ(selector->exact_value("n"), std::nullopt);
  EXPECT_TRUE(LabelSelector::from_set({{"app", "web"}}).matches(web));
}

struct FakeExpression {
  std::string key;
  std::string operator_;
  std::vector<std::string> values;
};
struct FakeSelector {
  FlatMap<std::string> match_labels;
  std::vector<FakeExpression> match_expressions;
};

TEST(LabelSelector, FromApiSelector) {
  EXPECT_TRUE(to_label_selector<FakeSelector>(nullptr)->matches_nothing());
  const FakeSelector all;
  EXPECT_TRUE(to_label_selector(&all)->matches_everything());
  const FakeSelector some{{{"app", "web"}}, {{"tier", "In", {"front", "back"}}, {"x", "DoesNotExist", {}}}};
  EXPECT_EQ(to_label_selector(&some)->to_string(), "app=web,tier in (back,front),!x");
  const FakeSelector bad{{}, {{"tier", "Near", {"a"}}}};
  EXPECT_FALSE(to_label_selector(&bad));
}

void check_field(std::string_view text, std::string_view canonical, bool matches) {
  const auto selector = FieldSelector::parse(text);
  ASSERT_TRUE(selector) << text << ": " << selector.error().message;
  EXPECT_EQ(selector->to_string(), canonical) << text;
  const FlatMap<std::string> fields = {{"metadata.name", "a"}, {"odd", "x,y=z\\"}};
  EXPECT_EQ(selector->matches([&](const std::string& name) {
    const std::string* value = fields.get(name);
    return value ? std::string_view(*value) : std::string_view();
  }),
            matches)
      << text;
}

TEST(FieldSelector, ParsesPrintsAndMatches) {
  check_field("", "", true);
  check_field("metadata.name=a", "metadata.name=a", true);
  check_field("metadata.name==a,absent!=b", "metadata.name=a,absent!=b", true);
  check_field("metadata.name!=a", "metadata.name!=a", false);
  check_field(",metadata.name=a,", "metadata.name=a", true);
  check_field("odd=x\\,y\\=z\\\\", "odd=x\\,y\\=z\\\\", true);
  check_field("absent=", "absent=", true);
  check_field("!=", "", true);
}

TEST(FieldSelector, RejectsBadSyntax) {
  for (const char* text : {"nonsense", "a=b=c", "a=b\\x", "a=b\\", "a,b=c"}) {
    const auto selector = FieldSelector::parse(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().reason, Reason::BadRequest) << text;
  }
}

TEST(Selectors, HaveOnlySoManyRequirements) {
  const auto labels = [](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += (i == 0 ? "!k" : ",!k") + std::to_string(i);
    return LabelSelector::parse(text).has_value();
  };
  EXPECT_TRUE(labels(1000));
  EXPECT_FALSE(labels(1001));
  const auto fields = [](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += (i == 0 ? "metadata.name!=" : ",metadata.name!=") + std::to_string(i);
    return FieldSelector::parse(text).has_value();
  };
  EXPECT_TRUE(fields(100));
  EXPECT_FALSE(fields(101));
}

}  // namespace
}  // namespace pintle::apimachinery
