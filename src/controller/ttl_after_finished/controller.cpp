#include "controller/ttl_after_finished/controller.h"

#include "api/gen/batch_v1.h"
#include "client/work_queue.h"
#include "controller/objects/time.h"
#include "rt/far_time.h"
#include "rt/seconds.h"
#include "rules/conditions.h"

namespace pintle::controller::ttl_after_finished {

using api::batch_v1::Job;
using JobPtr = std::shared_ptr<const Job>;

namespace {

// When the job is to go; nullopt: it has no time to live, or has not finished.
std::optional<rt::WallTime> expiry(const Job& job) {
  if (!job.spec.ttl_seconds_after_finished || job.metadata.deletion_timestamp) return std::nullopt;
  for (const std::string_view type : {"Complete", "Failed"})
    if (const auto* condition = rules::find_condition(job.status.conditions, type); condition != nullptr && condition->status == "True")
      return apimachinery::to_wall_time(condition->last_transition_time) + rt::seconds_of(*job.spec.ttl_seconds_after_finished);
  return std::nullopt;
}

constexpr auto deletion_bounds = growing_bounds<14>(0.1, 2);  // seconds

class TtlController final : public Controller {
 public:
  explicit TtlController(ControllerDeps deps)
      : deps_(deps),
        jobs_(deps.informers.of<Job>()),
        loop_(deps.loop("ttl_jobs_to_delete"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Job>::Handler handler;
    handler.on_add = [this](const JobPtr& job, bool) { look_at(*job); };
    handler.on_update = [this](const JobPtr&, const JobPtr& job) { look_at(*job); };
    jobs_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void look_at(const Job& job) {
    if (expiry(job)) loop_.queue().add(client::object_key(job.metadata.namespace_, job.metadata.name));
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Job> jobs_;
  component::metrics::Histogram& deletion_duration_ = deps_.families.histogram(
      "ttl_after_finished_controller_job_deletion_duration_seconds", "Time from when a job was to go until it was deleted.", deletion_bounds);
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> TtlController::sync(rt::Context ctx, std::string key) {
  const JobPtr job = jobs_.get(key);
  const auto when = job ? expiry(*job) : std::nullopt;
  if (!when) co_return Unit{};
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  if (now < *when) {
    loop_.queue().add_after(key, *when - now);
    co_return Unit{};
  }
  // The time may have been raised since: the server's word counts.
  auto fresh = co_await deps_.client.get<Job>(ctx, job->metadata.namespace_, job->metadata.name);
  if (!fresh) {
    if (fresh.error().reason == Reason::NotFound) co_return Unit{};
    co_return Unexpected(std::move(fresh).error());
  }
  const auto newest = expiry(*fresh);
  if (!newest || now < *newest || fresh->metadata.uid != job->metadata.uid) co_return Unit{};
  client::DeleteOptions options;
  options.propagation_policy = "Foreground";
  options.precondition_uid = job->metadata.uid;
  auto done = co_await deps_.client.remove<Job>(std::move(ctx), job->metadata.namespace_, job->metadata.name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  if (done) deletion_duration_.observe(rt::seconds(deps_.runtime.clock().wall_now() - *newest));
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_ttl_after_finished_controller(ControllerDeps deps) { return std::make_unique<TtlController>(std::move(deps)); }

}  // namespace pintle::controller::ttl_after_finished
