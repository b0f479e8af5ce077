#include "apiserver/bootstrap/bootstrap.h"

#include <optional>

#include "base/mutex.h"
#include "rt/sync.h"

namespace pintle::apiserver::bootstrap {
namespace {

// The first failure of many tasks.
class FirstError {
 public:
  void set(Status status) {
    ThreadLock lock(mutex_);
    if (!status_) status_ = std::move(status);
  }
  Result<Unit> result() {
    ThreadLock lock(mutex_);
    if (status_) return Unexpected(std::move(*status_));
    return Unit{};
  }

 private:
  ThreadMutex mutex_;
  std::optional<Status> status_ GUARDED_BY(mutex_);
};

std::function<Result<Unit>(api::Object&)> mutation_of(std::function<bool(api::Object&)> complete) {
  return [complete = std::move(complete)](api::Object& stored) -> Result<Unit> {
    complete(stored);
    return Unit{};
  };
}

// Whether `complete` would change what is stored; a write is then worth its commit.
bool needs(const std::function<bool(api::Object&)>& complete, api::Object stored) { return complete && complete(stored); }

rt::Task<Result<Unit>> ensure_one(rt::Context ctx, const ResourceReader& reader, Writer& writer, Wanted wanted) {
  auto stored = reader.get(wanted.resource, wanted.ns, wanted.name);
  if (!stored) {
    api::Object object = wanted.object;
    auto created = co_await writer.create(ctx, wanted.resource, wanted.ns, std::move(object));
    if (!created && created.error().reason != Reason::AlreadyExists) {
      created.error().message = "bootstrap of " + wanted.resource.resource + " \"" + wanted.name + "\": " + created.error().message;
      co_return Unexpected(std::move(created.error()));
    }
    stored = std::move(wanted.object);
  } else if (needs(wanted.complete, *stored)) {
    auto mutation = mutation_of(wanted.complete);
    CO_TRY(co_await writer.update(ctx, wanted.resource, wanted.ns, wanted.name, "", std::move(mutation)));
  }
  if (needs(wanted.complete_status, *stored)) {
    auto mutation = mutation_of(wanted.complete_status);
    CO_TRY(co_await writer.update(ctx, wanted.resource, wanted.ns, wanted.name, "status", std::move(mutation)));
  }
  co_return Unit{};
}

rt::Task<void> ensure_into(rt::Context ctx, const ResourceReader& reader, Writer& writer, Wanted wanted, FirstError& failure) {
  auto done = co_await ensure_one(ctx, reader, writer, std::move(wanted));
  if (!done) failure.set(std::move(done.error()));
}

// All at once: the store puts what arrives together into one commit.
rt::Task<Result<Unit>> ensure_all(rt::Context ctx, const ResourceReader& reader, Writer& writer, std::vector<Wanted> wanted) {
  rt::TaskGroup tasks;
  FirstError failure;
  for (auto& item : wanted) tasks.spawn(ensure_into(ctx, reader, writer, std::move(item), failure));
  co_await tasks.join();
  co_return failure.result();
}

}  // namespace

rt::Task<Result<Unit>> ensure(rt::Context ctx, const ResourceReader& reader, Writer& writer, Config config) {
  CO_TRY(co_await ensure_all(ctx, reader, writer, first_objects(config)));
  co_return co_await ensure_all(ctx, reader, writer, second_objects(config));
}

}  // namespace pintle::apiserver::bootstrap
