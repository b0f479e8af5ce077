#include "controller/job/metrics.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::controller::job {
namespace {

using api::testing::from_yaml;

struct Page {
  component::metrics::Registry registry;
  Families families{&registry};
  Metrics metrics{families};
  // The samples that are not zero, without buckets and the subsystem.
  std::string text() const {
    std::string out;
    const std::string page = registry.write();
    for (std::size_t at = 0; at < page.size();) {
      const std::size_t end = page.find('\n', at);
      const std::string line = page.substr(at, end - at);
      at = end + 1;
      if (!line.starts_with("job_controller_") || line.ends_with(" 0") || line.contains("_bucket{")) continue;
      out += line.substr(std::string_view("job_controller_").size()) + "\n";
    }
    return out;
  }
};

void check_change(const std::string& spec, const std::string& before, const std::string& after, const std::string& want) {
  Page page;
  Job job;
  job.spec = from_yaml<api::batch_v1::JobSpec>(spec);
  page.metrics.status_changed(job, from_yaml<JobStatus>(before), from_yaml<JobStatus>(after));
  EXPECT_EQ(page.text(), want) << after;
}

TEST(JobMetrics, HowPodsAndJobsEnd) {
  check_change("{}", "{succeeded: 1}", "{succeeded: 3, failed: 1}",
               "job_pods_finished_total{completion_mode=\"NonIndexed\",result=\"failed\"} 1\n"
               "job_pods_finished_total{completion_mode=\"NonIndexed\",result=\"succeeded\"} 2\n");
  check_change("{}", "{}", "{conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]}",
               "jobs_finished_total{completion_mode=\"NonIndexed\",result=\"failed\",reason=\"BackoffLimitExceeded\"} 1\n");
  const std::string ended = "{conditions: [{type: Complete, status: 'True', reason: CompletionsReached}]}";
  check_change("{}", "{}", ended, "jobs_finished_total{completion_mode=\"NonIndexed\",result=\"succeeded\",reason=\"CompletionsReached\"} 1\n");
  check_change("{}", ended, ended, "");
}

TEST(JobMetrics, Indexes) {
  check_change("{completionMode: Indexed, completions: 9, backoffLimitPerIndex: 1}", "{completedIndexes: '0', succeeded: 1}",
               "{completedIndexes: '0-2', failedIndexes: '3,5', succeeded: 3}",
               "job_pods_finished_total{completion_mode=\"Indexed\",result=\"succeeded\"} 2\n"
               "job_finished_indexes_total{status=\"failed\",backoffLimit=\"perIndex\"} 2\n"
               "job_finished_indexes_total{status=\"succeeded\",backoffLimit=\"perIndex\"} 2\n");
}

TEST(JobMetrics, Rounds) {
  Page page;
  Job job;
  page.metrics.synced(job, true, "tracking", std::chrono::seconds(1));
  page.metrics.synced(job, false, "pods_created", std::chrono::seconds(2));
  EXPECT_EQ(page.text(),
            "job_syncs_total{completion_mode=\"NonIndexed\",result=\"error\",action=\"pods_created\"} 1\n"
            "job_syncs_total{completion_mode=\"NonIndexed\",result=\"success\",action=\"tracking\"} 1\n"
            "job_sync_duration_seconds_sum{completion_mode=\"NonIndexed\",result=\"error\",action=\"pods_created\"} 2\n"
            "job_sync_duration_seconds_count{completion_mode=\"NonIndexed\",result=\"error\",action=\"pods_created\"} 1\n"
            "job_sync_duration_seconds_sum{completion_mode=\"NonIndexed\",result=\"success\",action=\"tracking\"} 1\n"
            "job_sync_duration_seconds_count{completion_mode=\"NonIndexed\",result=\"success\",action=\"tracking\"} 1\n");
}

void check_made(const std::string& spec, const std::string& status, const std::string& reason) {
  Page page;
  Job job;
  job.spec = from_yaml<api::batch_v1::JobSpec>(spec);
  Plan plan;
  plan.status = from_yaml<JobStatus>(status);
  page.metrics.pods_made(job, plan, 2, 1);
  EXPECT_EQ(page.text(), "job_pods_creation_total{reason=\"" + reason + "\",status=\"failed\"} 1\njob_pods_creation_total{reason=\"" + reason +
                             "\",status=\"succeeded\"} 2\n")
      << status;
}

TEST(JobMetrics, WhyPodsAreMade) {
  check_made("{}", "{}", "new");
  check_made("{}", "{failed: 1}", "recreate_terminating_or_failed");
  check_made("{}", "{uncountedTerminatedPods: {failed: [u]}}", "recreate_terminating_or_failed");
  check_made("{}", "{terminating: 1}", "recreate_terminating_or_failed");
  check_made("{podReplacementPolicy: Failed}", "{failed: 1}", "recreate_failed");
  check_made("{podReplacementPolicy: Failed}", "{}", "new");
}

TEST(JobMetrics, TheTrackingFinalizer) {
  Page page;
  const auto pod = from_yaml<api::core_v1::Pod>("{metadata: {finalizers: [batch.kubernetes.io/job-tracking]}, status: {phase: Succeeded}}");
  const auto running = from_yaml<api::core_v1::Pod>("{metadata: {finalizers: [batch.kubernetes.io/job-tracking]}, status: {phase: Running}}");
  page.metrics.pod_changed(nullptr, &running);
  EXPECT_EQ(page.text(), "");
  page.metrics.pod_changed(&running, &pod);
  page.metrics.pod_changed(&pod, &pod);
  EXPECT_EQ(page.text(), "terminated_pods_tracking_finalizer_total{event=\"add\"} 1\n");
  page.metrics.pod_changed(&pod, nullptr);
  EXPECT_EQ(page.text(), "terminated_pods_tracking_finalizer_total{event=\"add\"} 1\nterminated_pods_tracking_finalizer_total{event=\"delete\"} 1\n");
}

}  // namespace
}  // namespace pintle::controller::job
