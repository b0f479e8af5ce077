// Programs as they are, good and bad: real processes, shell scripts.
#include "kubelet/images/credential_providers.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "kubelet/images/node_credentials.h"
#include "kubelet/testing.h"
#include "os/path.h"
#include "os/replace_file.h"
#include "rt/testing.h"

namespace pintle::kubelet::images {
namespace {

const rt::Context always = rt::Context::background();

struct World {
  rt::Runtime& runtime;
  std::string root;
  PodPtr pod = std::make_shared<const api::core_v1::Pod>(testing::pod_of("{metadata: {name: p, uid: u}, spec: {containers: [{name: c}]}}"));

  // A program that notes that it ran, then does as `script` says.
  std::unique_ptr<CredentialProviders> program(const std::string& script, rt::Duration kept = std::chrono::hours(1)) {
    EXPECT_TRUE(runtime.disk().write(root + "/program", "#!/bin/sh\necho run >> \"$NOTES\"\n" + script + "\n", 0755));
    CredentialConfiguration configuration;
    configuration.bin_dir = root;
    configuration.hash = "sha256:0";
    auto& one = configuration.providers.emplace_back();
    one.name = "program";
    one.match_images = {"*.example.com/team"};
    one.api_version = credential_interface_v1;
    one.default_cache_duration = api::Duration{kept.count()};
    one.args = {"first", "second"};
    auto& notes = one.env.emplace_back();
    notes.name = "NOTES";
    notes.value = root + "/notes";
    (void)runtime.disk().remove(root + "/notes");
    return std::make_unique<CredentialProviders>(runtime, nullptr, std::move(configuration));
  }
  int64_t runs() {
    const auto notes = runtime.disk().read(root + "/notes");
    return notes ? std::ranges::count(*notes, '\n') : 0;
  }
};

std::string answer(const std::string& more, const std::string& holds_for = "Image") {
  return R"(echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":")" + holds_for + "\"" +
         more + "}'";
}
const std::string auth = R"(,"auth":{"a.example.com":{"username":"u","password":"p"}})";

rt::Task<std::string> ask(CredentialProviders* providers, PodPtr pod, std::string image) {
  std::string out;
  for (const auto& one : co_await providers->credentials(always, std::move(pod), std::move(image)))
    out += one.pattern + "=" + one.auth.username + ":" + one.auth.password + " ";
  co_return out;
}

void run(std::function<rt::Task<void>(World&)> check) {
  std::string root = ::testing::TempDir() + "pintle-programs-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  rt::testing::run_task([&]() -> rt::Task<void> {
    World world{rt::Executor::current().runtime(), root};
    co_await check(world);
  });
  EXPECT_TRUE(os::remove_tree(root));
}

struct Kept {
  std::string script;
  rt::Duration time;
  std::vector<std::string> images;  // asked about in turn
  std::string want;                 // the last time
  int64_t runs;                     // of the program
};

rt::Task<void> check_kept(World& world, const Kept* one) {
  auto providers = world.program(one->script, one->time);
  std::string got;
  for (const std::string& image : one->images) got = co_await ask(providers.get(), world.pod, image);
  EXPECT_EQ(got, one->want) << one->script;
  EXPECT_EQ(world.runs(), one->runs) << one->script;
}

rt::Task<void> answers_are_kept(World& world) {
  const std::string x = "a.example.com/team/x", y = "a.example.com/team/y", elsewhere = "b.example.com/team/x";
  const std::string got = "a.example.com=u:p ";
  const rt::Duration hour = std::chrono::hours(1), none{};
  const std::vector<Kept> cases = {
      {answer(auth), hour, {x, x, y, y}, got, 2},
      {answer(auth, "Registry"), hour, {x, y, elsewhere}, got, 2},
      {answer(auth, "Global"), hour, {x, elsewhere, y}, got, 1},
      {answer(auth), none, {x, x}, got, 2},
      {answer(auth + R"(,"cacheDuration":"0s")"), hour, {x, x}, got, 2},
      {answer(auth + R"(,"cacheDuration":"1h")"), none, {x, x}, got, 1},
      {answer(auth), hour, {"a.example.com/other/x", "example.com/team/x"}, "", 0},
  };
  for (const Kept& one : cases) co_await check_kept(world, &one);
}
TEST(CredentialProviders, AnswersAreKept) { run(answers_are_kept); }

rt::Task<void> what_it_is_told(World& world) {
  auto providers = world.program("cat > \"$NOTES.in\"; echo \"$*\" >> \"$NOTES.in\"; " + answer(auth));
  (void)co_await ask(providers.get(), world.pod, "a.example.com/team/x");
  EXPECT_EQ(world.runtime.disk().read(world.root + "/notes.in").value_or(""),
            R"({"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"a.example.com/team/x"})"
            "first second\n");
}
TEST(CredentialProviders, WhatItIsTold) { run(what_it_is_told); }

rt::Task<void> bad_answers(World& world) {
  const std::vector<std::string> scripts = {
      std::string("exit 1"),
      std::string("kill -9 $$"),
      std::string("echo {"),
      std::string("echo []"),
      std::string(":"),
      answer(auth, "Everything"),
      answer(auth + R"(,"bogus":1)"),
      answer(auth + R"(,"cacheDuration":"-1s")"),
      answer(R"(,"auth":{"a.example.com":"x"})"),
      std::string(R"(echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1beta1","cacheKeyType":"Image"}')"),
      std::string(R"(echo '{"kind":"Other","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Image"}')"),
      std::string("head -c 2000000 /dev/zero")};
  for (const std::string& script : scripts) {
    auto providers = world.program(script);
    EXPECT_EQ(co_await ask(providers.get(), world.pod, "a.example.com/team/x"), "") << script;
    EXPECT_EQ(world.runs(), 1) << script;
  }
  auto failing = world.program("exit 1");
  (void)co_await ask(failing.get(), world.pod, "a.example.com/team/x");
  std::string page;
  failing->write_metrics(page);
  EXPECT_NE(page.find("kubelet_credential_provider_plugin_errors_total{plugin_name=\"program\"} 1"), std::string::npos) << page;
  EXPECT_NE(page.find("kubelet_credential_provider_plugin_duration_count{plugin_name=\"program\"} 1"), std::string::npos) << page;
  EXPECT_NE(page.find("kubelet_credential_provider_config_info{hash=\"sha256:0\"} 1"), std::string::npos) << page;
}
TEST(CredentialProviders, BadAnswersGiveNothing) { run(bad_answers); }

rt::Task<void> note(CredentialProviders* providers, rt::Context ctx, PodPtr pod, std::size_t* got) {
  *got = (co_await providers->credentials(std::move(ctx), std::move(pod), "a.example.com/team/x")).size();
}

// Many who wait for one answer ask once; one who gives up takes nothing from the others, and his program ends.
rt::Task<void> asked_once(World& world) {
  auto providers = world.program("sleep 0.2; " + answer(auth), rt::Duration(0));
  std::vector<std::size_t> got(5);
  {
    rt::TaskGroup group;
    for (std::size_t& one : got) group.spawn(note(providers.get(), always, world.pod, &one));
    co_await group.join();
  }
  EXPECT_EQ(got, std::vector<std::size_t>(5, 1));
  EXPECT_EQ(world.runs(), 1);
  auto slow = world.program("[ -e \"$NOTES.slept\" ] || { touch \"$NOTES.slept\"; sleep 600; }; " + answer(auth));
  rt::TaskGroup group;
  group.spawn(note(slow.get(), always.with_timeout(std::chrono::milliseconds(300)), world.pod, &got[0]));
  group.spawn(note(slow.get(), always, world.pod, &got[1]));
  co_await group.join();
  EXPECT_EQ(got[0], 0u);
  EXPECT_EQ(got[1], 1u);
  EXPECT_EQ(world.runs(), 2);
}
TEST(CredentialProviders, OneQuestionIsAskedOnce) { run(asked_once); }

rt::Task<void> dockers_files(World& world) {
  rt::Disk& disk = world.runtime.disk();
  const auto users = [&]() -> rt::Task<std::string> {
    NodeCredentials node(world.runtime, world.root + "/kubelet", world.root);
    std::string out;
    for (const auto& one : co_await node.all()) {
      EXPECT_FALSE(one.source.secret || one.source.service_account);
      out += one.pattern + "=" + one.auth.username + " ";
    }
    co_return out;
  };
  EXPECT_EQ(co_await users(), "");
  EXPECT_TRUE(disk.make_directories(world.root + "/kubelet") && disk.make_directories(world.root + "/.docker"));
  EXPECT_TRUE(disk.write(world.root + "/.dockercfg", R"({"older.example.com": {"username": "a", "password": "1"}})"));
  EXPECT_EQ(co_await users(), "older.example.com=a ");
  EXPECT_TRUE(disk.write(world.root + "/.docker/config.json", R"({"auths": {"https://home.example.com/v1/": {"username": "b", "password": "1"}}})"));
  EXPECT_EQ(co_await users(), "home.example.com=b ");
  EXPECT_TRUE(disk.write(world.root + "/kubelet/config.json", "{"));
  EXPECT_EQ(co_await users(), "home.example.com=b ") << "a broken file is passed over";
  EXPECT_TRUE(disk.write(world.root + "/kubelet/config.json", R"({"auths": {"root.example.com": {"username": "c", "password": "1"}}})"));
  EXPECT_EQ(co_await users(), "root.example.com=c ");
}
TEST(NodeCredentials, TheFirstFileThatIsUnderstood) { run(dockers_files); }

}  // namespace
}  // namespace pintle::kubelet::images
