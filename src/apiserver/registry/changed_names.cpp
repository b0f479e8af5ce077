#include "apiserver/registry/changed_names.h"

#include "rt/backoff.h"
#include "rt/runtime.h"

namespace pintle::apiserver::registry {
namespace {

constexpr rt::Duration retry_initial = std::chrono::milliseconds(100);
constexpr rt::Duration retry_max = std::chrono::seconds(30);

}  // namespace

void ChangedNames::add(std::string_view name) {
  ThreadLock lock(mutex_);
  if (closed_) return;
  names_.emplace(name);
  event_.set();
}

void ChangedNames::close() {
  ThreadLock lock(mutex_);
  closed_ = true;
}

std::set<std::string> ChangedNames::take() {
  std::set<std::string> out;
  ThreadLock lock(mutex_);
  event_.reset();
  out.swap(names_);
  return out;
}

// All on one executor: `failures` needs no lock.
rt::Task<void> ChangedNames::look_into(const Look& look, std::string name, std::map<std::string, Status>& failures) {
  auto done = co_await look(name);
  if (!done) failures.emplace(std::move(name), std::move(done.error()));
}

rt::Task<void> ChangedNames::follow(rt::Context ctx, Look look, Failed failed, std::size_t at_once) {
  rt::BackoffOptions options;
  options.initial = retry_initial;
  options.max = retry_max;
  rt::Backoff backoff(options);
  while (true) {
    auto woken = co_await event_.wait(ctx);
    if (!woken) co_return;
    const std::set<std::string> names = take();
    std::map<std::string, Status> failures;
    for (auto name = names.begin(); name != names.end();) {
      rt::TaskGroup looks;
      for (std::size_t i = 0; i < at_once && name != names.end(); ++i, ++name) looks.spawn(look_into(look, *name, failures));
      co_await looks.join();
      if (ctx.done()) co_return;
    }
    for (const auto& [name, why] : failures) failed(why, name);
    if (failures.empty()) {
      backoff.reset();
      continue;
    }
    auto slept = co_await rt::sleep_for(ctx, backoff.next(rt::Executor::current().runtime().random()));
    if (!slept) co_return;
    for (const auto& [name, why] : failures) add(name);
  }
}

}  // namespace pintle::apiserver::registry
