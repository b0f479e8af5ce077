// Containment: what escapes from a controller's code ends that piece of work, not the process. An exception in a coroutine that is a
// member of a Contained class, or in one that it awaits, is that coroutine's failed result; contained() does the same for a plan, where a failed
// CHECK is caught too. Both are told to on_failure, so that the manager logs, counts, and makes the controller anew after a while: what it remembers
// may be half written. Not caught: CHECKs in coroutines, and what is thrown where nothing may throw.
#pragma once

#include <concepts>
#include <coroutine>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/check_scope.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::controller {

class Contained {
 public:
  std::function<void(std::string_view what)> on_failure;  // none: nobody wants to know

  // The exception that is being handled, told to on_failure and made a Status (InternalError).
  Status escaped();
  // The value of `plan()`, a plain function.
  template <class F>
  Result<std::invoke_result_t<F>> contained(F&& plan) {
    try {
      const CheckScope scope;
      return std::forward<F>(plan)();
    } catch (...) {
      return Unexpected(escaped());
    }
  }

 protected:
  ~Contained() = default;
};

namespace detail {

// Lambdas are asked too, while they are incomplete.
template <class C>
concept IsContained = requires { sizeof(C); } && std::derived_from<C, Contained>;

// The promise of a member coroutine. It stands where rt's own does: the base comes first and is no less aligned.
template <class T>
class ContainedPromise : public rt::detail::Promise<T> {
 public:
  // The object is of any type: g++ 12 finds nothing narrower.
  template <class C, class... Args>
  explicit ContainedPromise(C&& owner, Args&&...) : owner_(owner) {}
  void unhandled_exception() noexcept {
    if constexpr (std::is_void_v<T>) {
      (void)owner_.escaped();
    } else if constexpr (std::is_constructible_v<T, Unexpected<Status>>) {
      this->value.emplace(Unexpected(owner_.escaped()));
    } else {
      this->value.emplace(owner_.escaped());  // std::optional<Status>
    }
  }

 private:
  Contained& owner_;
};

}  // namespace detail

}  // namespace pintle::controller

template <class T, pintle::controller::detail::IsContained C, class... Args>
struct std::coroutine_traits<pintle::rt::Task<T>, C&, Args...> {
  using promise_type = pintle::controller::detail::ContainedPromise<T>;
  static_assert(alignof(promise_type) == alignof(pintle::rt::detail::Promise<T>));
};
