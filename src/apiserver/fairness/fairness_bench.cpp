// What a request pays for its seat when nothing is scarce, by hand: apiserver_bench.
#include <chrono>
#include <cstdio>

#include "api/codec.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/fairness/estimate.h"
#include "apiserver/fairness/fairness.h"
#include "rt/sync.h"

namespace pintle::apiserver::fairness {
namespace {

constexpr int rounds = 2'000'000;

struct Asker {
  const char* name;
  UserInfo user;
  RequestInfo info;
};

std::vector<Asker> askers() {
  std::vector<Asker> out(4);
  out[0].name = "administrator, get pod";
  out[0].user.groups = {"system:masters", "system:authenticated"};
  out[1].name = "node, update lease";
  out[1].user.name = "system:node:n1";
  out[1].user.groups = {"system:nodes", "system:authenticated"};
  out[2].name = "controller manager, update pod";
  out[2].user.name = "system:kube-controller-manager";
  out[2].user.groups = {"system:authenticated"};
  out[3].name = "somebody, get pod";
  out[3].user.name = "somebody";
  out[3].user.groups = {"a", "b", "system:authenticated"};
  for (Asker& asker : out) {
    asker.info.is_resource = true;
    asker.info.verb = "get";
    asker.info.resource = "pods";
    asker.info.ns = "default";
    asker.info.name = "x";
  }
  out[1].info.verb = out[2].info.verb = "update";
  out[1].info.group = "coordination.k8s.io";
  out[1].info.resource = "leases";
  out[1].info.ns = "kube-node-lease";
  return out;
}

double nanoseconds(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) work();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began).count() / rounds;
}

void measure(Fairness& fairness, const Asker& asker) {
  const double classify = nanoseconds([&] { (void)fairness.classify(asker.user, asker.info); });
  const double whole = nanoseconds([&] {
    Classified classified = fairness.classify(asker.user, asker.info);
    Work work;
    if (asker.info.verb == "update") work = write_work(fairness.watches().woken_by(asker.info), classified.flow->level->seats_max());
    Seat seat;
    (void)fairness.enter(seat, std::move(classified), asker.user, asker.info, work);
    seat.release();
  });
  std::printf("%-32s classify %4.0f ns, with its seat %4.0f ns\n", asker.name, classify, whole);
}

rt::Task<int> run() {
  testing::FakeReader reader;
  component::metrics::Registry registry;
  for (const auto& wanted : bootstrap::first_objects({})) {
    if (wanted.resource.resource == "flowschemas") reader.put(wanted.resource, wanted.object.as<api::flowcontrol_v1::FlowSchema>());
    if (wanted.resource.resource == "prioritylevelconfigurations")
      reader.put(wanted.resource, wanted.object.as<api::flowcontrol_v1::PriorityLevelConfiguration>());
  }
  const FairnessDeps deps{rt::Executor::current().runtime(), reader, registry, 600};
  const auto fairness = Fairness::make(deps);
  for (const Asker& asker : askers()) measure(*fairness, asker);
  co_return 0;
}

}  // namespace
}  // namespace pintle::apiserver::fairness

int main() {
  const auto runtime = pintle::rt::make_real_runtime({.threads = 1, .blocking_threads = 1});
  return runtime->run([] { return pintle::apiserver::fairness::run(); });
}
