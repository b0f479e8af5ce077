// scheduler_perf [SHAPE...]: upstream's scheduler_perf workloads in one process: an API server on a disk, the scheduler as its client without
// sockets, nodes that are objects alone. Pods are made by eight hands as fast as the server takes them; what counts is pods bound a second, from the
// first that is made to the last that is bound. Shapes, sizes and templates are upstream's (its CI's thresholds beside them); real time, this
// machine's.
#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "api/gen/core_v1.h"
#include "api/gen/scheduling_v1.h"
#include "apiserver/testing/in_process.h"
#include "client/kubeconfig.h"
#include "rt/combine.h"
#include "rt/seconds.h"
#include "rt/sync.h"
#include "scheduler/scheduler.h"

namespace pintle {
namespace {

using api::core_v1::Namespace;
using api::core_v1::Node;
using api::core_v1::Pod;

const rt::Context background = rt::Context::background();
constexpr int hands = 8;
constexpr rt::Duration stalled_max = std::chrono::seconds(30);  // without a pod that is bound: the shape has failed

api::Quantity quantity(std::string_view text) {
  auto parsed = api::Quantity::parse(text);
  CHECK(parsed.has_value(), "a quantity");
  return *parsed;
}

struct Shape {
  const char* name;
  int nodes;
  int before;    // pods that are there already
  int measured;  // pods that are counted
  double threshold;
  std::function<void(Node&, int)> node;
  std::function<void(Pod&, int)> pod_before;
  std::function<void(Pod&, int)> pod;
  bool before_is_bound = true;
  bool churn = false;  // nodes, services and pods that fit nowhere come and go meanwhile
};

void in_zones(Node& node, int i) { node.metadata.labels["topology.kubernetes.io/zone"] = "moon-" + std::to_string(i % 3 + 1); }
void in_one_zone(Node& node, int) { node.metadata.labels["topology.kubernetes.io/zone"] = "zone1"; }
void plain(Pod&, int) {}

api::meta_v1::LabelSelector selects(const std::string& key, const std::string& value) {
  api::meta_v1::LabelSelector out;
  out.match_labels[key] = value;
  return out;
}

void spread(Pod& pod, int) {
  pod.metadata.labels["color"] = "blue";
  auto& constraint = pod.spec.topology_spread_constraints.emplace_back();
  constraint.max_skew = 5;
  constraint.topology_key = "topology.kubernetes.io/zone";
  constraint.when_unsatisfiable = "DoNotSchedule";
  constraint.label_selector.emplace() = selects("color", "blue");
}

api::core_v1::PodAffinityTerm term(const std::string& color, const std::string& topology_key) {
  api::core_v1::PodAffinityTerm out;
  out.label_selector.emplace() = selects("color", color);
  out.topology_key = topology_key;
  out.namespaces = {"sched-0", "sched-1"};
  return out;
}
void affine(Pod& pod, int) {
  pod.metadata.labels["color"] = "blue";
  pod.spec.affinity.emplace().pod_affinity.emplace().required_during_scheduling_ignored_during_execution.push_back(
      term("blue", "topology.kubernetes.io/zone"));
}
void averse(Pod& pod, int) {
  pod.metadata.labels["color"] = "green";
  pod.metadata.labels["name"] = "test";
  pod.spec.affinity.emplace().pod_anti_affinity.emplace().required_during_scheduling_ignored_during_execution.push_back(
      term("green", "kubernetes.io/hostname"));
}
void asks(Pod& pod, const char* cpu, const char* memory) {
  auto& requests = pod.spec.containers[0].resources.requests;
  requests["cpu"] = quantity(cpu);
  requests["memory"] = quantity(memory);
}
void low(Pod& pod, int) {
  asks(pod, "900m", "500Mi");
  pod.spec.termination_grace_period_seconds = 0;
}
void high(Pod& pod, int) {
  asks(pod, "3000m", "500Mi");
  pod.spec.priority_class_name = "high";
}
void large(Pod& pod, int) { asks(pod, "9", "500Mi"); }
void daemon(Pod& pod, int) {
  auto& selector = pod.spec.affinity.emplace().node_affinity.emplace().required_during_scheduling_ignored_during_execution.emplace();
  auto& field = selector.node_selector_terms.emplace_back().match_fields.emplace_back();
  field.key = "metadata.name";
  field.operator_ = "In";
  field.values = {"node-0"};
  asks(pod, "1m", "1Mi");
}
void roomy(Node& node, int i) {
  if (i > 0) return;
  node.status.allocatable["cpu"] = node.status.capacity["cpu"] = quantity("90000");
  node.status.allocatable["memory"] = node.status.capacity["memory"] = quantity("90000Gi");
  node.status.allocatable["pods"] = node.status.capacity["pods"] = quantity("90000");
}

const Shape shapes[] = {
    {"basic", 5000, 1000, 10000, 680, nullptr, plain, plain},
    {"spread", 5000, 1000, 5000, 460, in_zones, plain, spread},
    {"affinity", 5000, 5000, 5000, 35, in_one_zone, affine, affine},
    {"anti-affinity", 5000, 1000, 2000, 60, nullptr, averse, averse},
    {"preemption", 5000, 20000, 5000, 570, nullptr, low, high},
    {"churn", 5000, 0, 10000, 710, nullptr, plain, plain, true, true},
    {"unschedulable", 5000, 20000, 10000, 600, nullptr, large, plain, false},
    {"daemonset", 15000, 0, 30000, 1100, roomy, plain, daemon},
};

double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

class Bench {
 public:
  Bench(rt::Runtime& runtime, std::string folder) : runtime_(runtime), folder_(std::move(folder)) {}

  rt::Task<int> run(const Shape* shape) {
    co_await start();
    const std::function<Node(int)> node_of = [shape](int i) { return node(*shape, i); };
    const std::function<Pod(int)> pod_before = [shape](int i) { return pod("sched-0", "before-", i, shape->pod_before); };
    const std::function<Pod(int)> pod_measured = [shape](int i) { return pod("sched-1", "measured-", i, shape->pod); };
    co_await make_many<Node>(shape->nodes, node_of);
    api::scheduling_v1::PriorityClass high_class;
    high_class.metadata.name = "high";
    high_class.value = 10;
    (void)co_await client_->create(background, std::move(high_class));
    rt::TaskGroup scheduling;
    co_await rt::run_on(runtime_.executor(1), start_scheduler());
    co_await make_many<Pod>(shape->before, pod_before);
    bool well = true;
    if (shape->before_is_bound)
      well = co_await await_bound(shape->before);
    else
      (void)co_await rt::sleep_for(background, std::chrono::seconds(5));
    const double before = bound(), cpu = cpu_s(), in_vain_before = in_vain();
    const rt::TimePoint began = runtime_.clock().now();
    rt::TaskGroup churning;
    if (shape->churn) churning.spawn(churn(churning.context()));
    if (well) co_await make_many<Pod>(shape->measured, pod_measured);
    const double made_s = rt::seconds(runtime_.clock().now() - began);
    if (well) well = co_await await_bound(static_cast<int>(before) + shape->measured);
    const double took_s = rt::seconds(runtime_.clock().now() - began);
    co_await churning.close();
    std::printf(
        "%-14s %6d nodes %6d pods: %8.0f pods/s (upstream's threshold %5.0f), %6.2f s, made in %6.2f s, CPU %6.2f s, %.0f tries in vain, %.0f "
        "victims%s\n",
        shape->name, shape->nodes, shape->measured, shape->measured / took_s, shape->threshold, took_s, made_s, cpu_s() - cpu,
        in_vain() - in_vain_before, sample("scheduler_preemption_victims_sum"), well ? "" : "  STALLED");
    std::fflush(stdout);
    co_await stop();
    co_return well ? 0 : 1;
  }

 private:
  static Node node(const Shape& shape, int i) {
    Node out;
    out.metadata.name = "node-" + std::to_string(i);
    out.metadata.labels["kubernetes.io/hostname"] = out.metadata.name;
    out.status.allocatable["cpu"] = quantity("4");
    out.status.allocatable["memory"] = quantity("32Gi");
    out.status.allocatable["pods"] = quantity("110");
    out.status.capacity = out.status.allocatable;
    if (shape.node) shape.node(out, i);
    return out;
  }
  static Pod pod(const std::string& ns, const std::string& prefix, int i, const std::function<void(Pod&, int)>& change) {
    Pod out;
    out.metadata.namespace_ = ns;
    out.metadata.name = prefix + std::to_string(i);
    auto& container = out.spec.containers.emplace_back();
    container.name = "pause";
    container.image = "registry.k8s.io/pause:3.10.2";
    container.ports.emplace_back().container_port = 80;
    asks(out, "100m", "500Mi");
    change(out, i);
    return out;
  }

  rt::Task<void> start() {
    apiserver::ApiServerSetup setup;
    setup.options.data_dir = folder_;
    setup.options.disable_admission_plugins = {"ServiceAccount", "TaintNodesByCondition"};  // no controllers here
    setup.listen = false;
    setup.secured = false;
    auto server = co_await apiserver::testing::InProcessServer::start(runtime_, std::move(setup));
    CHECK(server.has_value(), server ? "" : server.error().message);
    server_ = std::move(*server);
    client_ = connect("system:admin");
    for (const char* name : {"sched-0", "sched-1"}) {
      Namespace ns;
      ns.metadata.name = name;
      auto made = co_await client_->create(background, std::move(ns));
      CHECK(made.has_value(), made ? "" : made.error().message);
    }
  }
  std::unique_ptr<client::Client> connect(const char* user) {
    client::ClientConfig config;
    return client::connect_in_process(runtime_, server_->server().handler(), user, std::move(config));
  }
  rt::Task<void> start_scheduler() {
    scheduling_client_ = connect("system:kube-scheduler");
    scheduler::SchedulerSetup setup{.runtime = runtime_, .client = *scheduling_client_, .metrics = metrics_};
    scheduler_ = scheduler::make_scheduler(std::move(setup));
    const auto started = scheduler_->start();
    CHECK(started.has_value(), started ? "" : started.error().message);
    while (!scheduler_->running()) (void)co_await rt::sleep_for(background, std::chrono::milliseconds(10));
  }
  rt::Task<void> stop_scheduler() {
    co_await scheduler_->stop();
    scheduler_.reset();
    co_await scheduling_client_->close();
  }
  rt::Task<void> stop() {
    co_await rt::run_on(runtime_.executor(1), stop_scheduler());
    co_await client_->close();
    co_await server_->stop();
  }

  template <class T>
  rt::Task<void> make_from(int first, int count, std::function<T(int)> make) {
    for (int i = first; i < count; i += hands) {
      T object = make(i);
      auto made = co_await client_->create(background, std::move(object));
      CHECK(made.has_value(), made ? "" : made.error().message);
    }
  }
  template <class T>
  rt::Task<void> make_many(int count, std::function<T(int)> make) {
    rt::TaskGroup group;
    for (int hand = 0; hand < hands; ++hand) group.spawn(make_from<T>(hand, count, make));
    co_await group.join();
  }

  rt::Task<void> churn(rt::Context ctx) {
    for (int i = 0; !ctx.done(); ++i) {
      Shape none{};
      Node extra = node(none, 0);
      extra.metadata.name = "churn-node-" + std::to_string(i);
      Pod unfit = pod("sched-0", "churn-pod-", i, large);
      (void)co_await client_->create(background, std::move(extra));
      (void)co_await client_->create(background, std::move(unfit));
      const auto slept = co_await rt::sleep_for(ctx, std::chrono::milliseconds(200));
      if (!slept) break;
      client::DeleteOptions options;
      options.grace_period_seconds = 0;
      (void)co_await client_->remove<Pod>(background, "sched-0", "churn-pod-" + std::to_string(i), options);
      (void)co_await client_->remove<Node>(background, "", "churn-node-" + std::to_string(i));
    }
  }

  // 0: there is no such series.
  double sample(const std::string& series) const {
    const std::string page = metrics_.write();
    const auto at = page.find("\n" + series + " ");
    return at == std::string::npos ? 0 : std::stod(page.substr(at + series.size() + 2));
  }
  double bound() const { return sample("scheduler_schedule_attempts_total{profile=\"default-scheduler\",result=\"scheduled\"}"); }
  double in_vain() const { return sample("scheduler_schedule_attempts_total{profile=\"default-scheduler\",result=\"unschedulable\"}"); }
  rt::Task<bool> await_bound(int count) {
    double last = bound();
    rt::TimePoint changed = runtime_.clock().now();
    while (last < count) {
      (void)co_await rt::sleep_for(background, std::chrono::milliseconds(20));
      const double now = bound();
      if (now != last) changed = runtime_.clock().now();
      last = now;
      if (runtime_.clock().now() - changed > stalled_max) co_return false;
    }
    co_return true;
  }

  rt::Runtime& runtime_;
  const std::string folder_;
  std::unique_ptr<apiserver::testing::InProcessServer> server_;
  std::unique_ptr<client::Client> client_, scheduling_client_;
  component::metrics::Registry metrics_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
};

int run_shape(const Shape& shape) {
  std::string folder = (std::filesystem::temp_directory_path() / "scheduler-perf-XXXXXX").string();
  CHECK(mkdtemp(folder.data()) != nullptr, "a temporary folder");
  auto runtime = rt::make_real_runtime({.threads = 2});
  int status = 0;
  {
    Bench bench(*runtime, folder);
    status = runtime->run([&] { return bench.run(&shape); });
  }
  std::filesystem::remove_all(folder);
  return status;
}

}  // namespace
}  // namespace pintle

int main(int argc, char** argv) {
  int status = 0;
  for (const pintle::Shape& shape : pintle::shapes) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted |= std::strcmp(argv[i], shape.name) == 0;
    if (wanted) status |= pintle::run_shape(shape);
  }
  return status;
}
