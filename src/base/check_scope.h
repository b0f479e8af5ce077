// CheckScope: while one lives, a CHECK that fails on its thread throws CheckFailure in place of ending the process. For code that a
// fault may cost one result, and whose state is then thrown away: the plan of a controller, a handler. Plain functions only: never
// held over co_await.
#pragma once

#include <stdexcept>

namespace pintle {

struct CheckFailure : std::logic_error {
  using std::logic_error::logic_error;
};

class CheckScope {
 public:
  CheckScope() { ++depth(); }
  ~CheckScope() { --depth(); }
  CheckScope(const CheckScope&) = delete;
  CheckScope& operator=(const CheckScope&) = delete;
  static bool here() { return depth() > 0; }

 private:
  static int& depth();
};

}  // namespace pintle
