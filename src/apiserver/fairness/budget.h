// Budget: how much of one thing (bytes of bodies, answers that nobody reads) is held, in all, for each user and for each
// connection. What a user is assured of, it gets whatever others hold, so that nobody is refused for another's excess.
// Thread-safe; a Hold belongs to one task and must not outlive its Budget.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace pintle::apiserver::fairness {

struct BudgetLimits {
  int64_t total = 0;
  int64_t user = 0;
  int64_t connection = 0;
  int64_t user_assured = 0;  // not refused for the sake of `total`
};

class Budget {
  struct Account {
    int64_t held = 0;
    int64_t holds = 0;
  };
  using Accounts = std::unordered_map<std::string, Account>;

 public:
  explicit Budget(BudgetLimits limits) : limits_(limits) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // What one request holds; given back when destroyed.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept { *this = std::move(other); }
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { release(); }
    // Raises what is held to `amount` (never lowers it). False, and nothing changes, if that passes a limit.
    bool raise_to(int64_t amount);
    void release();
    int64_t amount() const { return amount_; }

   private:
    friend class Budget;
    Budget* budget_ = nullptr;
    Accounts::value_type* user_ = nullptr;
    Accounts::value_type* connection_ = nullptr;
    int64_t amount_ = 0;
  };
  // An empty one.
  Hold hold(std::string_view user, std::string_view connection);

  int64_t held() const;
  std::size_t users() const;

 private:
  static void close(Accounts& accounts, Accounts::value_type* account);

  const BudgetLimits limits_;
  mutable ThreadMutex mutex_;
  int64_t held_ GUARDED_BY(mutex_) = 0;
  Accounts users_ GUARDED_BY(mutex_);
  Accounts connections_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::fairness
