// BoundedWriter: the writer of one answer, which does not let a peer that reads nothing hold what others need. A write
// that waits for stall_time gives up the request's place among those being served (on_stall) and counts as a stalled
// answer of its user; past stalled_answers the answer is broken off, and so is every answer whose request's time is up.
// One executor, but between hold() and send(): what is answered then, by one task on any executor, waits for send().
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/fairness/budget.h"
#include "net/abortable.h"
#include "net/http.h"
#include "rt/executor.h"
#include "rt/runtime.h"

namespace pintle::apiserver::exchange {

constexpr rt::Duration stall_time = std::chrono::milliseconds(250);  // also the longest that stalled answers make others wait for a seat
// Answers whose write has waited that long; each holds a few hundred KiB at most.
constexpr fairness::BudgetLimits stalled_answers{.total = 256, .user = 32, .connection = 32, .user_assured = 2};

class BoundedWriter final : public net::ResponseWriter {
 public:
  // `inner` is net::Abortable.
  BoundedWriter(net::ResponseWriter& inner, rt::Runtime& runtime);
  ~BoundedWriter() override { disarm(); }

  // From here on stalls are watched; they count for `user` and for the connection from `remote` (nullptr: a component of
  // this process, whose stalls are not counted). All outlive the answer.
  void watch_stalls(fairness::Budget& budget, const std::string& user, const rt::Endpoint* remote, std::function<void()> on_stall);
  // The request's time is up: what has been started is broken off, so that whoever writes it returns. What is started yet,
  // to tell why, may wait for its peer for stall_time.
  void end_time();
  void hold();
  rt::Task<Result<Unit>> send();

  net::Headers& headers() override { return inner_.headers(); }
  bool started() const override { return held_ ? held_->status != 0 : inner_.started(); }
  rt::Task<Result<Unit>> start(int status) override;
  rt::Task<Result<Unit>> write(std::vector<Bytes> data) override;
  rt::Task<Result<Unit>> flush() override;
  rt::Task<Result<Unit>> upgrade(net::UpgradeHandler handler) override;

 private:
  struct Watched;
  struct Held {
    int status = 0;
    std::vector<std::vector<Bytes>> writes;
  };
  void arm();
  void disarm();
  void stalled();

  net::ResponseWriter& inner_;
  net::Abortable& abortable_;
  rt::Runtime& runtime_;
  fairness::Budget* budget_ = nullptr;
  const std::string* user_ = nullptr;
  const rt::Endpoint* remote_ = nullptr;
  std::function<void()> on_stall_;
  fairness::Budget::Hold stall_;
  std::optional<Held> held_;
  rt::Executor* executor_ = nullptr;
  rt::TimerId timer_ = 0;
  bool timed_out_ = false;
};

}  // namespace pintle::apiserver::exchange
