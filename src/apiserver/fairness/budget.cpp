#include "apiserver/fairness/budget.h"

#include "base/check.h"

namespace pintle::apiserver::fairness {

Budget::Hold& Budget::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  release();
  budget_ = std::exchange(other.budget_, nullptr);
  user_ = std::exchange(other.user_, nullptr);
  connection_ = std::exchange(other.connection_, nullptr);
  amount_ = std::exchange(other.amount_, 0);
  return *this;
}

bool Budget::Hold::raise_to(int64_t amount) {
  CHECK(budget_ != nullptr, "a Hold comes from its Budget");
  const int64_t more = amount - amount_;
  if (more <= 0) return true;
  ThreadLock lock(budget_->mutex_);
  const BudgetLimits& limits = budget_->limits_;
  if (user_->second.held + more > limits.user || connection_->second.held + more > limits.connection) return false;
  if (budget_->held_ + more > limits.total && user_->second.held + more > limits.user_assured) return false;
  budget_->held_ += more;
  user_->second.held += more;
  connection_->second.held += more;
  amount_ = amount;
  return true;
}

void Budget::Hold::release() {
  if (budget_ == nullptr) return;
  ThreadLock lock(budget_->mutex_);
  budget_->held_ -= amount_;
  user_->second.held -= amount_;
  connection_->second.held -= amount_;
  close(budget_->users_, user_);
  close(budget_->connections_, connection_);
  budget_ = nullptr;
  amount_ = 0;
}

void Budget::close(Accounts& accounts, Accounts::value_type* account) {
  if (--account->second.holds == 0) accounts.erase(accounts.find(account->first));
}

Budget::Hold Budget::hold(std::string_view user, std::string_view connection) {
  Hold out;
  ThreadLock lock(mutex_);
  out.budget_ = this;
  out.user_ = &*users_.try_emplace(std::string(user)).first;
  out.connection_ = &*connections_.try_emplace(std::string(connection)).first;
  ++out.user_->second.holds;
  ++out.connection_->second.holds;
  return out;
}

int64_t Budget::held() const {
  ThreadLock lock(mutex_);
  return held_;
}

std::size_t Budget::users() const {
  ThreadLock lock(mutex_);
  return users_.size();
}

}  // namespace pintle::apiserver::fairness
