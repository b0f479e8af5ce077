#include "client/kubeconfig.h"

#include <gtest/gtest.h>

#include "client/exec_credential.h"
#include "rt/testing.h"

namespace pintle::client {
namespace {

constexpr const char* whole = R"(
apiVersion: v1
kind: Config
current-context: main
clusters:
- name: c1
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority: ca.crt, tls-server-name: kubernetes}
- name: c2
  cluster: {server: "https://10.0.0.2", certificate-authority-data: Q0E=}
- name: proxied
  cluster: {server: "https://10.0.0.2", proxy-url: "http://p"}
users:
- name: files
  user: {client-certificate: /abs/c.crt, client-key: keys/c.key}
- name: data
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ, token: secret, as: other, as-groups: [g1, g2]}
contexts:
- {name: main, context: {cluster: c1, user: files}}
- {name: other, context: {cluster: c2, user: data}}
- {name: nobody, context: {cluster: c2}}
- {name: lost-user, context: {cluster: c2, user: gone}}
- {name: lost-cluster, context: {cluster: gone, user: data}}
- {name: proxied, context: {cluster: proxied, user: data}}
)";

// What a context gives: "server|ca|cert|key|token|impersonation", or the error.
std::string described(const std::string& text, std::string_view context) {
  return rt::testing::run_sim([&]() -> rt::Task<std::string> {
    rt::Disk& disk = rt::Executor::current().runtime().disk();
    (void)disk.make_directories("/etc/k");
    (void)disk.write("/etc/k/config", text);
    auto loaded = load_kubeconfig(disk, "/etc/k/config", context);
    if (!loaded) co_return loaded.error().message;
    std::string as;
    for (const auto& [name, value] : loaded->client.headers) as += name + "=" + value + " ";
    const auto& tls = loaded->tls;
    co_return loaded->client.server + "|" + tls.server_name + "|" + tls.ca_file + tls.ca_pem + "|" + tls.cert_file + tls.cert_pem + "|" +
        tls.key_file + tls.key_pem + "|" + loaded->client.bearer_token + "|" + as;
  });
}

TEST(Kubeconfig, Contexts) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "https://10.0.0.1:6443|kubernetes|/etc/k/ca.crt|/abs/c.crt|/etc/k/keys/c.key||"},
      {"other", "https://10.0.0.2||CA|CERT|KEY|secret|Impersonate-User=other Impersonate-Group=g1 Impersonate-Group=g2 "},
      {"nobody", "https://10.0.0.2||CA||||"},
      {"missing", "/etc/k/config: there is no context \"missing\""},
      {"lost-user", "/etc/k/config: there is no user \"gone\", which context \"lost-user\" names"},
      {"lost-cluster", "/etc/k/config: there is no cluster \"gone\", which context \"lost-cluster\" names"},
      {"proxied", "/etc/k/config: cluster \"proxied\" has a proxy-url, which is not supported"},
  };
  for (const auto& [context, want] : cases) EXPECT_EQ(described(whole, context), want);
  EXPECT_EQ(described("kind: Config", ""), "/etc/k/config: there is no current-context");
  EXPECT_TRUE(described("{", "").starts_with("/etc/k/config: "));
}

TEST(Kubeconfig, WhatIsWrittenIsRead) {
  KubeconfigContent content{"pintle", "admin", "https://127.0.0.1:6443", "CA", "CERT", "KEY", ""};
  EXPECT_EQ(described(write_kubeconfig(content), ""), "https://127.0.0.1:6443||CA|CERT|KEY||");
}

api::kubeconfig_v1::ExecConfig plugin(std::string script) {
  api::kubeconfig_v1::ExecConfig config;
  config.command = "/bin/sh";
  config.args = {"-c", std::move(script)};
  config.api_version = "client.authentication.k8s.io/v1";
  return config;
}

std::string answer_of(std::string_view output) {
  auto answer = parse_exec_answer(plugin(""), output);
  return answer ? answer->token + " " + std::to_string(answer->expires_unix_seconds) : answer.error().message;
}

TEST(ExecCredential, Answers) {
  const std::string head = R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)";
  EXPECT_EQ(answer_of(head + R"({"token":"t"}})"), "t 0");
  EXPECT_EQ(answer_of(head + R"({"token":"t","expirationTimestamp":"1970-01-01T00:01:00Z"}})"), "t 60");
  EXPECT_EQ(answer_of(head + R"({"clientCertificateData":"c"}})"),
            "exec plugin /bin/sh: it answers without a token; client certificates of plugins are not supported");
  EXPECT_EQ(answer_of(head + "null}"), "exec plugin /bin/sh: it answers without a status");
  EXPECT_EQ(answer_of(R"({"kind":"Pod"})"), "exec plugin /bin/sh: its output is no ExecCredential");
  EXPECT_EQ(answer_of(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})"),
            "exec plugin /bin/sh: it answers with apiVersion client.authentication.k8s.io/v1beta1, the kubeconfig asks for "
            "client.authentication.k8s.io/v1");
}

// Runs it twice: the second time what is kept is used while it is valid.
TEST(ExecCredential, RunsThePluginWhenItMust) {
  const auto twice = [](std::string expires) {
    return rt::testing::run_task([expires]() -> rt::Task<std::string> {
      api::kubeconfig_v1::Cluster cluster;
      cluster.server = "https://c";
      auto config = plugin(R"(printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s-%s-)" +
                           std::string("%s\"") + R"(,"expirationTimestamp":)" + expires + R"(}}' $GREETING ${#KUBERNETES_EXEC_INFO} $$)");
      config.env.push_back({"GREETING", "hello"});
      config.provide_cluster_info = true;
      const auto source = exec_token_source(config, cluster, "/");
      auto first = co_await source(rt::Context::background());
      auto second = co_await source(rt::Context::background());
      if (!first || !second) co_return (first ? second : first).error().message;
      const std::string want = "hello-" + std::to_string(exec_question(config, cluster).size()) + "-";
      EXPECT_TRUE(first->starts_with(want)) << *first;
      co_return *first == *second ? "kept" : "asked again";
    });
  };
  EXPECT_EQ(twice("null"), "kept");
  EXPECT_EQ(twice("\"2001-01-01T00:00:00Z\""), "asked again");
  const auto failing = rt::testing::run_task([]() -> rt::Task<std::string> {
    api::kubeconfig_v1::Cluster cluster;
    const auto source = exec_token_source(plugin("echo no luck >&2; exit 3"), cluster, "/");
    auto token = co_await source(rt::Context::background());
    co_return token ? "" : token.error().message;
  });
  EXPECT_EQ(failing, "exec plugin /bin/sh: exit status 3: no luck\n");
}

// The users of a file, "name: headers|certificate" each, and the current one; or the error.
std::string users_of(const std::string& text) {
  return rt::testing::run_sim([&]() -> rt::Task<std::string> {
    rt::Disk& disk = rt::Executor::current().runtime().disk();
    (void)disk.make_directories("/etc/k");
    (void)disk.write("/etc/k/config", text);
    (void)disk.write("/etc/k/token", "from-a-file\n");
    auto loaded = load_kubeconfig_users(disk, "/etc/k/config");
    if (!loaded) co_return loaded.error().message;
    std::string out;
    for (const auto& [name, credentials] : loaded->by_name) {
      out += name + ":";
      for (const auto& [header, value] : credentials->headers) out += " " + header + "=" + value;
      out += "|" + credentials->cert_pem + ";";
    }
    co_return out + loaded->current;
  });
}

TEST(Kubeconfig, UsersFilesAreReadAgain) {
  const auto told = rt::testing::run_sim([]() -> rt::Task<std::string> {
    rt::Disk& disk = rt::Executor::current().runtime().disk();
    (void)disk.make_directories("/k");
    (void)disk.write("/k/config", "users: [{name: a, user: {token: given, tokenFile: token, as: b}}]\n");
    auto loaded = load_kubeconfig_users(disk, "/k/config");
    if (!loaded) co_return loaded.error().message;
    Credentials now = *loaded->by_name["a"];
    std::string out = now.headers.front().second;
    for (const char* text : {"first\n", "", "no token", "second"}) {
      (void)disk.write("/k/token", text);
      now = read_again(disk, now);
      out += ", " + now.headers.front().second;
    }
    (void)disk.remove("/k/token");
    now = read_again(disk, now);
    co_return out + ", " + now.headers.front().second + ", " + now.headers.back().second;
  });
  EXPECT_EQ(told, "Bearer given, Bearer first, Bearer first, Bearer first, Bearer second, Bearer second, b");
}

TEST(Kubeconfig, UsersAlone) {
  EXPECT_EQ(users_of("users:\n- {name: a, user: {token: t, tokenFile: none, username: u, as: b}}\n- {name: '*.svc', user: {tokenFile: token}}\n"
                     "- {name: c, user: {username: u, password: p}}\n- {name: d, user: {}}\n"),
            "*.svc: Authorization=Bearer from-a-file|;a: Authorization=Bearer t Impersonate-User=b|;c: Authorization=Basic dTpw|;d:|;");
  EXPECT_EQ(users_of("current-context: x\ncontexts: [{name: x, context: {cluster: none, user: a}}]\nusers: [{name: a, user: {token: t}}]\n"),
            "a: Authorization=Bearer t|;a");
  const std::pair<const char*, const char*> refused[] = {
      {"{token: \"sec ret\"}", "user \"a\" has a token with blanks in it"},
      {"{tokenFile: gone}", "user \"a\" reading /etc/k/gone: "},
      {"{client-certificate-data: c2VjcmV0}", "user \"a\" has a client certificate without a key, or a key without a certificate"},
      {"{client-certificate-data: c2VjcmV0, client-key-data: c2VjcmV0}", "user \"a\" has a client certificate and a key that do not belong together"},
      {"{exec: {command: x, apiVersion: client.authentication.k8s.io/v1}}", "user \"a\" has an exec plugin"},
      {"{auth-provider: {name: x}}", "user \"a\" has an auth-provider"}};
  for (const auto& [user, why] : refused) {
    const std::string told = users_of(std::string("users: [{name: a, user: ") + user + "}]\n");
    EXPECT_TRUE(told.starts_with("/etc/k/config: ") && told.contains(why)) << told;
    EXPECT_FALSE(told.contains("sec")) << told;
  }
  EXPECT_EQ(users_of("current-context: x\n"), "/etc/k/config: there is no context \"x\"");
  EXPECT_EQ(users_of("current-context: x\ncontexts: [{name: x, context: {user: gone}}]\n"),
            "/etc/k/config: there is no user \"gone\", which context \"x\" names");
}

}  // namespace
}  // namespace pintle::client
