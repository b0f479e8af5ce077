// Detached: the root coroutine under which a backend or a TaskGroup runs a Task. It frees itself at its end.
#pragma once

#include <coroutine>
#include <exception>

namespace pintle::rt::detail {

struct Detached {
  struct promise_type {
    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

}  // namespace pintle::rt::detail
