// What a container runtime alone takes for pods of one container each, AT_ONCE of them at a time, by hand or from test/bench:
// cri_bench ENDPOINT IMAGE PODS AT_ONCE LOG_DIRECTORY. Prints the seconds until the last container runs, then removes everything again.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cri/runtime_client.h"
#include "rt/combine.h"
#include "rt/runtime.h"

namespace pintle::cri {

namespace {

constexpr rt::Duration all_max = std::chrono::minutes(5);

api::cri_v1::PodSandboxConfig sandbox_config(const std::string& log_directory, int number) {
  api::cri_v1::PodSandboxConfig config;
  const std::string name = "bench-" + std::to_string(number);
  config.metadata.emplace().name = name;
  config.metadata->uid = name;
  config.metadata->namespace_ = "bench";
  config.hostname = name;
  config.log_directory = log_directory + "/" + name;
  auto& security = config.linux.emplace().security_context.emplace();
  security.namespace_options.emplace().pid = api::cri_v1::NamespaceMode::Container;
  security.seccomp.emplace().profile_type = api::cri_v1::ProfileType::RuntimeDefault;
  return config;
}

api::cri_v1::ContainerConfig container_config(const std::string& image) {
  api::cri_v1::ContainerConfig config;
  config.metadata.emplace().name = "c";
  config.image.emplace().image = image;
  config.log_path = "c.log";
  config.linux.emplace().security_context.emplace().namespace_options.emplace().pid = api::cri_v1::NamespaceMode::Container;
  return config;
}

// The sandbox's id, once its container runs.
rt::Task<Result<std::string>> start_pod(RuntimeClient* client, rt::Context ctx, std::string image, std::string log_directory, int number) {
  const auto sandbox = sandbox_config(log_directory, number);
  CO_TRY_ASSIGN(const std::string id, co_await client->run_pod_sandbox(ctx, sandbox, ""));
  CO_TRY_ASSIGN(const std::string container, co_await client->create_container(ctx, id, container_config(image), sandbox));
  CO_TRY(co_await client->start_container(ctx, container));
  co_return id;
}

rt::Task<Result<Unit>> remove_pod(RuntimeClient* client, rt::Context ctx, std::string id) {
  CO_TRY(co_await client->stop_pod_sandbox(ctx, id));
  co_return co_await client->remove_pod_sandbox(ctx, id);
}

struct Wanted {
  std::string endpoint;
  std::string image;
  int pods = 0;
  int at_once = 0;
  std::string log_directory;
};

// Pods of one lane, one after the other; the sandboxes' ids.
rt::Task<std::vector<Result<std::string>>> start_lane(RuntimeClient* client, rt::Context ctx, Wanted wanted, int lane) {
  std::vector<Result<std::string>> out;
  for (int i = lane; i < wanted.pods; i += wanted.at_once) {
    auto started = co_await start_pod(client, ctx, wanted.image, wanted.log_directory, i);
    out.push_back(std::move(started));
  }
  co_return std::move(out);
}

rt::Task<int> bench(rt::Runtime* runtime, Wanted wanted) {
  RuntimeClientOptions options;
  options.endpoint = wanted.endpoint;
  auto client = RuntimeClient::make(*runtime, std::move(options));
  if (!client) {
    std::fprintf(stderr, "cri_bench: %s\n", client.error().message.c_str());
    co_return 1;
  }
  const rt::Context ctx = rt::Context::background().with_timeout(all_max);
  const auto began = runtime->clock().now();
  std::vector<rt::Task<std::vector<Result<std::string>>>> lanes;
  for (int lane = 0; lane < wanted.at_once; ++lane) lanes.push_back(start_lane(client->get(), ctx, wanted, lane));
  const auto started = co_await rt::when_all(std::move(lanes));
  const double seconds = std::chrono::duration<double>(runtime->clock().now() - began).count();
  int failed = 0;
  std::vector<rt::Task<Result<Unit>>> removals;
  for (const auto& lane : started) {
    for (const auto& one : lane) {
      if (one) {
        removals.push_back(remove_pod(client->get(), ctx, *one));
      } else {
        ++failed;
        std::fprintf(stderr, "cri_bench: %s\n", one.error().message.c_str());
      }
    }
  }
  const auto removed = co_await rt::when_all(std::move(removals));
  for (const auto& one : removed) {
    if (one) continue;
    ++failed;
    std::fprintf(stderr, "cri_bench: %s\n", one.error().message.c_str());
  }
  co_await (*client)->close();
  std::printf("%.3f\n", seconds);
  co_return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pintle::cri

int main(int argc, char** argv) {
  using namespace pintle;
  cri::Wanted wanted;
  if (argc == 6) wanted = {argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]), argv[5]};
  if (wanted.pods < 1 || wanted.at_once < 1) {
    std::fprintf(stderr, "usage: cri_bench ENDPOINT IMAGE PODS AT_ONCE LOG_DIRECTORY\n");
    return 2;
  }
  auto runtime = rt::make_real_runtime({.threads = 1});
  rt::Runtime* raw = runtime.get();
  return runtime->run([=]() -> rt::Task<int> { return cri::bench(raw, wanted); });
}
