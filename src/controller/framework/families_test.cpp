#include "controller/framework/families.h"

#include <gtest/gtest.h>

namespace pintle::controller {
namespace {

TEST(Families, OneOfEachName) {
  component::metrics::Registry registry;
  Families families(&registry);
  families.counters("a_total", "A.", {"l"}).with({"x"}).add(2);
  families.counters("a_total", "A.", {"l"}).with({"x"}).add();
  families.counters("b_total", "B.", {"l"});
  families.counter("c_total", "C.");
  EXPECT_EQ(registry.write(),
            "# HELP a_total A.\n# TYPE a_total counter\na_total{l=\"x\"} 3\n# HELP c_total C.\n# TYPE c_total counter\nc_total 0\n");
}

TEST(Families, WithoutAPage) {
  Families families(nullptr);
  families.counter("a_total", "A.").add();
  EXPECT_EQ(families.counter("a_total", "A.").value(), 1u);
}

TEST(Families, GrowingBounds) {
  constexpr auto bounds = growing_bounds<4>(0.5, 2);
  EXPECT_EQ(bounds, (std::array<double, 4>{0.5, 1, 2, 4}));
}

struct Counted {
  component::metrics::Registry registry;
  Families families{&registry};
  Tally tally{families.gauges("g", "G.", {"of"})};
  // The samples alone.
  std::string page() const {
    std::string out = registry.write();
    out.erase(0, std::min(out.size(), out.find("\ng{") + 1));
    return out;
  }
};

TEST(Tally, FollowsObjects) {
  Counted c;
  c.tally.put("1", {"a"});
  c.tally.put("2", {"a"});
  c.tally.put("3", {"b"}, 5);
  EXPECT_EQ(c.page(), "g{of=\"a\"} 2\ng{of=\"b\"} 5\n");
  c.tally.put("2", {"b"});
  c.tally.put("3", {"b"}, 0);
  EXPECT_EQ(c.page(), "g{of=\"a\"} 1\ng{of=\"b\"} 1\n");
  c.tally.erase("1");
  c.tally.erase("1");
  EXPECT_EQ(c.page(), "g{of=\"b\"} 1\n") << "what is no more leaves the page";
  c.tally.put("2", {"b"});
  EXPECT_EQ(c.page(), "g{of=\"b\"} 1\n");
}

TEST(Tally, EndsWithItsOwner) {
  component::metrics::Registry registry;
  Families families(&registry);
  {
    Tally tally(families.gauges("g", "G.", {"of"}));
    tally.put("1", {"a"});
    Tally whole(families.gauges("h", "H.", {}));
    whole.put("1", {}, 3);
    EXPECT_NE(registry.write().find("\nh 3\n"), std::string::npos);
  }
  EXPECT_EQ(registry.write(), "# HELP h H.\n# TYPE h gauge\nh 0\n") << "what has no labels stays";
}

TEST(Tally, PastTheBoundOfItsFamily) {
  Counted c;
  const std::size_t objects = component::metrics::series_max + 10;
  for (std::size_t i = 0; i < objects; ++i) c.tally.put(std::to_string(i), {std::to_string(i)});
  EXPECT_NE(c.page().find("g{of=\"overflow\"} 10\n"), std::string::npos);
  for (std::size_t i = 0; i < objects; ++i) c.tally.erase(std::to_string(i));
  EXPECT_EQ(c.page(), "g{of=\"overflow\"} 0\n");
}

}  // namespace
}  // namespace pintle::controller
