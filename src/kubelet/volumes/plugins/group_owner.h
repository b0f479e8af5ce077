// Volumes with files of earlier pods are given to an fsGroup a few at once: each takes as long as it has files, and one of the few threads for
// blocking work. Shared by the plugins; belongs to one executor.
#pragma once

#include <functional>
#include <utility>

#include "kubelet/volumes/plugins/blocking.h"
#include "rt/sync.h"

namespace pintle::kubelet::volumes::plugins {

constexpr std::size_t owned_at_once_max = 2;

class GroupOwner {
 public:
  explicit GroupOwner(rt::Runtime& runtime) : runtime_(runtime) {}

  // Waits for its turn, then runs the blocking work. Error: the work's, or `ctx` ended first and nothing was done.
  rt::Task<Result<Unit>> run(rt::Context ctx, std::function<Result<Unit>()> work) {
    CO_TRY(co_await turns_.send(std::move(ctx), Unit{}));
    Result<Unit> done = co_await blocking<Unit>(runtime_, std::move(work));
    (void)turns_.try_receive();
    co_return done;
  }

 private:
  rt::Runtime& runtime_;
  rt::Channel<Unit> turns_{owned_at_once_max};  // a place for each
};

}  // namespace pintle::kubelet::volumes::plugins
