#include "controller/cronjob/controller.h"

#include "api/codec.h"
#include "client/work_queue.h"
#include "controller/cronjob/plan.h"
#include "controller/objects/owner.h"
#include "controller/objects/time.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_control.h"
#include "rt/time_zone_files.h"

namespace pintle::controller::cronjob {

using api::batch_v1::CronJobStatus;
using CronPtr = std::shared_ptr<const CronJob>;

namespace {

constexpr auto skew_bounds = growing_bounds<10>(1, 2);  // seconds

class CronJobController final : public Controller {
 public:
  explicit CronJobController(ControllerDeps deps)
      : deps_(deps),
        crons_(deps.informers.of<CronJob>()),
        jobs_(deps.informers.of<Job>()),
        written_(crons_),
        written_jobs_(jobs_),
        loop_(deps.loop("cronjob"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<CronJob>::Handler crons;
    crons.on_add = [this](const CronPtr& cron, bool) { enqueue(*cron); };
    crons.on_update = [this](const CronPtr&, const CronPtr& cron) { enqueue(*cron); };
    crons_.add_handler(std::move(crons));
    objects::index_by_controller(jobs_);
    jobs_.on_any([this](const Job& job) {
      const auto* ref = rules::controller_of(job.metadata);
      if (ref != nullptr && ref->kind == "CronJob") loop_.queue().add(client::object_key(job.metadata.namespace_, ref->name));
    });
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void enqueue(const CronJob& cron) { loop_.queue().add(client::object_key(cron.metadata.namespace_, cron.metadata.name)); }
  Result<TimeZone> zone_of(const CronJob& cron);
  std::vector<JobPtr> jobs_of(const CronJob& cron);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> apply(rt::Context ctx, CronPtr cron, Plan plan);
  rt::Task<Result<Unit>> remove_job(rt::Context ctx, CronPtr cron, JobPtr job);
  rt::Task<Result<bool>> start_job(rt::Context ctx, CronPtr cron, Plan& plan);
  rt::Task<Result<Unit>> write_status(rt::Context ctx, CronPtr cron, CronJobStatus status);

  ControllerDeps deps_;
  client::Informer<CronJob> crons_;
  client::Informer<Job> jobs_;
  objects::Written<CronJob> written_;
  objects::Written<Job> written_jobs_;
  component::metrics::Histogram& skew_ = deps_.families.histogram("cronjob_controller_job_creation_skew_duration_seconds",
                                                                  "Time from when a job was due until it was created.", skew_bounds);
  rt::TimeZoneFiles zones_{deps_.runtime.disk()};
  client::ControlLoop loop_;
};

Result<TimeZone> CronJobController::zone_of(const CronJob& cron) {
  if (!cron.spec.time_zone || *cron.spec.time_zone == "UTC" || *cron.spec.time_zone == "Etc/UTC") return TimeZone::utc();
  const std::string& name = *cron.spec.time_zone;
  const TimeZone* zone = is_time_zone_name(name) ? zones_.find(name) : nullptr;
  if (zone == nullptr) return bad_request("unknown time zone " + name);
  return *zone;
}

std::vector<JobPtr> CronJobController::jobs_of(const CronJob& cron) {
  std::vector<JobPtr> out = objects::controlled_by(jobs_, cron.metadata.uid);
  for (JobPtr& job : out) job = written_jobs_.newest(job);
  for (JobPtr& job : written_jobs_.unseen(cron.metadata.namespace_))
    if (rules::is_controlled_by(job->metadata, cron.metadata)) out.push_back(std::move(job));
  return out;
}

rt::Task<Result<Unit>> CronJobController::remove_job(rt::Context ctx, CronPtr cron, JobPtr job) {
  client::DeleteOptions options;
  options.propagation_policy = "Background";
  options.precondition_uid = job->metadata.uid;
  auto done = co_await deps_.client.remove<Job>(std::move(ctx), job->metadata.namespace_, job->metadata.name, std::move(options));
  if (done) {
    deps_.events.normal(*cron, "SuccessfulDelete", "Deleted job " + job->metadata.name);
  } else if (done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) {
    deps_.events.warning(*cron, "FailedDelete", "Deleted job: " + done.error().message);
    co_return std::move(done);
  }
  co_return Unit{};
}

// False: it had been started before.
rt::Task<Result<bool>> CronJobController::start_job(rt::Context ctx, CronPtr cron, Plan& plan) {
  const std::string name = plan.start->metadata.name;
  auto made = co_await deps_.client.create<Job>(ctx, std::move(*plan.start));
  if (!made) {
    if (made.error().reason == Reason::AlreadyExists) {
      auto there = co_await deps_.client.get<Job>(std::move(ctx), cron->metadata.namespace_, name);
      if (!there) co_return Unexpected(std::move(there).error());
      if (!rules::is_controlled_by(there->metadata, cron->metadata)) co_return error(Reason::AlreadyExists, "job " + name + " is another's");
      co_return false;
    }
    if (pods::is_namespace_terminating(made.error())) co_return false;
    deps_.events.warning(*cron, "FailedCreate", "Error creating job: " + made.error().message);
    co_return Unexpected(std::move(made).error());
  }
  deps_.events.normal(*cron, "SuccessfulCreate", "Created job " + name);
  plan.status.active.push_back(reference_to_job(*made));
  if (!made->metadata.creation_timestamp.zero()) skew_.observe(static_cast<double>(made->metadata.creation_timestamp.seconds - *plan.start_time));
  written_jobs_.remember(std::move(*made));
  co_return true;
}

rt::Task<Result<Unit>> CronJobController::write_status(rt::Context ctx, CronPtr cron, CronJobStatus status) {
  if (api::equal(api::type_of<CronJobStatus>(), &status, &cron->status)) co_return Unit{};
  CronJob copy = *cron;
  copy.status = std::move(status);
  auto written = co_await deps_.client.update_status<CronJob>(std::move(ctx), std::move(copy));
  if (!written && written.error().reason == Reason::NotFound) co_return Unit{};
  if (!written) co_return Unexpected(std::move(written).error());
  written_.remember(std::move(*written));
  co_return Unit{};
}

rt::Task<Result<Unit>> CronJobController::apply(rt::Context ctx, CronPtr cron, Plan plan) {
  for (CronEvent& event : plan.events) {
    if (event.warning) {
      deps_.events.warning(*cron, event.reason, std::move(event.message));
    } else {
      deps_.events.normal(*cron, event.reason, std::move(event.message));
    }
  }
  for (const JobPtr& job : plan.remove) CO_TRY(co_await remove_job(ctx, cron, job));
  for (const JobPtr& job : plan.replace) {
    CO_TRY(co_await remove_job(ctx, cron, job));
    std::erase_if(plan.status.active, [&](const auto& ref) { return ref.uid == job->metadata.uid; });
  }
  if (plan.start) {
    auto started = co_await start_job(ctx, cron, plan);
    if (!started) co_return Unexpected(std::move(started).error());
    plan.status.last_schedule_time = api::time_from_unix(*plan.start_time, 0);
  }
  CO_TRY(co_await write_status(ctx, cron, std::move(plan.status)));
  if (plan.look_again) loop_.queue().add_after(client::object_key(cron->metadata.namespace_, cron->metadata.name), *plan.look_again);
  co_return Unit{};
}

rt::Task<Result<Unit>> CronJobController::sync(rt::Context ctx, std::string key) {
  CronPtr cron = crons_.get(key);
  if (cron == nullptr) co_return Unit{};
  cron = written_.newest(cron);
  auto schedule = Schedule::parse(cron->spec.schedule);
  if (!schedule)
    deps_.events.warning(*cron, "UnparseableSchedule", "unparseable schedule: \"" + cron->spec.schedule + "\" : " + schedule.error().message);
  auto zone = zone_of(*cron);
  if (!zone) deps_.events.warning(*cron, "UnknownTimeZone", "invalid timeZone: \"" + *cron->spec.time_zone + "\": " + zone.error().message);
  const std::vector<JobPtr> jobs = jobs_of(*cron);
  const TimeZone known = zone ? *zone : TimeZone::utc();
  Observed observed{*cron, jobs, schedule && zone ? &*schedule : nullptr, known, deps_.runtime.clock().wall_now()};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_cron(observed); }));
  co_return co_await apply(std::move(ctx), cron, std::move(plan));
}

}  // namespace

std::unique_ptr<Controller> make_cronjob_controller(ControllerDeps deps) { return std::make_unique<CronJobController>(std::move(deps)); }

}  // namespace pintle::controller::cronjob
