#include "kubelet/container_config/environment.h"

#include <gtest/gtest.h>

#include "kubelet/container_config/expansion.h"

namespace pintle::kubelet::container_config {
namespace {

namespace core = api::core_v1;

void check_expand(std::string_view text, std::string_view expected) {
  const auto value = [](std::string_view name) -> std::optional<std::string> {
    if (name == "A") return "a";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  EXPECT_EQ(expand(text, value), expected) << text;
}

TEST(Expansion, References) {
  check_expand("", "");
  check_expand("plain", "plain");
  check_expand("$(A)", "a");
  check_expand("x$(A)y$(A)", "xaya");
  check_expand("$(EMPTY)", "");
  check_expand("$(NONE)", "$(NONE)");
  check_expand("$$(A)", "$(A)");
  check_expand("$$$(A)", "$a");
  check_expand("$$$$(A)", "$$(A)");
  check_expand("$A", "$A");
  check_expand("$(A", "$(A");
  check_expand("$", "$");
  check_expand("$$", "$");
  check_expand("$()", "$()");
  check_expand("$($(A))", "$($(A))");
}

core::EnvVar variable(std::string name, std::string value) {
  core::EnvVar out;
  out.name = std::move(name);
  out.value = std::move(value);
  return out;
}

struct Fixture {
  core::Pod pod;
  core::Container container;
  FlatMap<api::Quantity> allocatable;
  std::map<std::string, Result<referenced_objects::ConfigMapPtr>, std::less<>> config_maps;
  std::map<std::string, Result<referenced_objects::SecretPtr>, std::less<>> secrets;
  std::vector<std::shared_ptr<const core::Service>> services;
  std::string file;

  Fixture() {
    pod.metadata.name = "web";
    pod.metadata.namespace_ = "shop";
    pod.spec.enable_service_links = true;
    container.name = "main";
    auto map = std::make_shared<core::ConfigMap>();
    map->data = {{"k1", "v1"}, {"k2", "v2"}};
    config_maps.emplace("cm", referenced_objects::ConfigMapPtr(map));
    config_maps.emplace("gone", error(Reason::NotFound, "configmap \"gone\" not found"));
    auto secret = std::make_shared<core::Secret>();
    secret->data = {{"password", "s3cret"}};
    secrets.emplace("s", referenced_objects::SecretPtr(secret));
    secrets.emplace("lost", error(Reason::NotFound, "secret \"lost\" not found"));
  }
  void add_service(std::string name, std::string namespace_name, std::string ip, std::vector<std::pair<std::string, int32_t>> ports) {
    auto service = std::make_shared<core::Service>();
    service->metadata.name = std::move(name);
    service->metadata.namespace_ = std::move(namespace_name);
    service->spec.cluster_ip = std::move(ip);
    for (auto& [port_name, number] : ports) {
      core::ServicePort& port = service->spec.ports.emplace_back();
      port.name = port_name;
      port.port = number;
      port.protocol = "TCP";
    }
    services.push_back(std::move(service));
  }
  Result<EnvironmentVariables> make() {
    EnvironmentInputs inputs{pod, container, {{"192.168.0.1"}, {"10.1.0.9"}}, allocatable, config_maps, secrets, nullptr, services};
    inputs.volume_file = [this](std::string_view, std::string_view) -> Result<std::string> { return file; };
    return make_environment(inputs);
  }
  void check(EnvironmentVariables expected) {
    const auto made = make();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(*made, expected);
  }
  void check_error(std::string_view message) {
    const auto made = make();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, message);
  }
};

TEST(Environment, ValuesInOrder) {
  Fixture f;
  f.container.env = {variable("A", "1"), variable("B", "$(A)-$(C)"), variable("C", "3"), variable("A", "$(B)"), variable("E", "")};
  f.check({{"A", "1-$(C)"}, {"B", "1-$(C)"}, {"C", "3"}, {"E", ""}});
}

TEST(Environment, FromObjects) {
  Fixture f;
  f.container.env_from.emplace_back().config_map_ref.ensure().name = "cm";
  f.container.env_from.back().prefix = "p_";
  f.container.env_from.emplace_back().secret_ref.ensure().name = "s";
  f.container.env = {variable("p_k2", "mine $(password)")};
  f.check({{"p_k1", "v1"}, {"p_k2", "mine s3cret"}, {"password", "s3cret"}});
}

TEST(Environment, MissingObjects) {
  Fixture f;
  f.container.env_from.emplace_back().config_map_ref.ensure().name = "gone";
  f.check_error("configmap \"gone\" not found");
  f.container.env_from[0].config_map_ref->optional = true;
  f.check({});
  f.container.env_from[0] = {};
  f.container.env_from[0].secret_ref.ensure().name = "lost";
  f.check_error("secret \"lost\" not found");
}

TEST(Environment, Keys) {
  Fixture f;
  core::EnvVar one = variable("ONE", "");
  core::ConfigMapKeySelector& key = one.value_from.ensure().config_map_key_ref.ensure();
  key.name = "cm";
  key.key = "k1";
  f.container.env = {one};
  f.check({{"ONE", "v1"}});
  f.container.env[0].value_from->config_map_key_ref->key = "none";
  f.check_error("couldn't find key none in ConfigMap shop/cm");
  f.container.env[0].value_from->config_map_key_ref->optional = true;
  f.check({});
  core::EnvVar secret = variable("TWO", "");
  core::SecretKeySelector& secret_key = secret.value_from.ensure().secret_key_ref.ensure();
  secret_key.name = "s";
  secret_key.key = "absent";
  f.container.env = {secret};
  f.check_error("couldn't find key absent in Secret shop/s");
}

TEST(Environment, FieldsAndResources) {
  Fixture f;
  f.allocatable["memory"] = api::Quantity::parse("1Gi").value();
  core::EnvVar ip = variable("IP", "");
  ip.value_from.ensure().field_ref.ensure().field_path = "status.podIP";
  core::EnvVar host = variable("HOST", "");
  host.value_from.ensure().field_ref.ensure().field_path = "status.hostIP";
  core::EnvVar memory = variable("MEM", "");
  memory.value_from.ensure().resource_field_ref.ensure().resource = "limits.memory";
  f.container.env = {ip, host, memory};
  f.check({{"IP", "10.1.0.9"}, {"HOST", "192.168.0.1"}, {"MEM", "1073741824"}});
}

TEST(Environment, FilesOfVolumes) {
  Fixture f;
  core::EnvVar variable_of_file = variable("F", "");
  core::FileKeySelector& key = variable_of_file.value_from.ensure().file_key_ref.ensure();
  key.volume_name = "config";
  key.path = "env";
  key.key = "KEY";
  f.container.env = {variable_of_file};
  f.file = "# comment\nOTHER='x'\nKEY='two\nlines' # end\n";
  f.check({{"F", "two\nlines"}});
  f.file = "OTHER='x'\n";
  f.check_error("environment variable key \"KEY\" not found in file \"env\"");
  f.file = "KEY=bare\n";
  f.check_error("couldn't parse env file");
}

void check_file(std::string_view text, std::string_view expected) {
  const auto value = env_file_value(text, "K");
  ASSERT_TRUE(value) << text;
  EXPECT_EQ(*value, expected) << text;
}

TEST(EnvFile, Lines) {
  check_file("", "");
  check_file("K='v'", "v");
  check_file("  K='v'", "v");
  check_file("K= 'v'", "");
  check_file("K=''", "");
  check_file("J='K'\nK='a=b'\n", "a=b");
  for (const std::string_view bad : {"K", "='v'", "K ='v'", "K=\"v\"", "K='v", "K='v' x"}) EXPECT_FALSE(env_file_value(bad, "K")) << bad;
}

TEST(Environment, Services) {
  Fixture f;
  f.add_service("kubernetes", "default", "10.96.0.1", {{"https", 443}});
  f.add_service("my-db", "shop", "10.96.0.7", {{"", 5432}});
  f.add_service("other", "elsewhere", "10.96.0.8", {{"", 80}});
  f.add_service("headless", "shop", "None", {{"", 80}});
  f.container.env = {variable("URL", "$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)"), variable("MY_DB_PORT", "mine")};
  const auto made = f.make();
  ASSERT_TRUE(made);
  std::map<std::string, std::string> by_name(made->begin(), made->end());
  EXPECT_EQ(by_name["URL"], "10.96.0.7:5432");
  EXPECT_EQ(by_name["KUBERNETES_SERVICE_HOST"], "10.96.0.1");
  EXPECT_EQ(by_name["KUBERNETES_SERVICE_PORT"], "443");
  EXPECT_EQ(by_name["KUBERNETES_SERVICE_PORT_HTTPS"], "443");
  EXPECT_EQ(by_name["KUBERNETES_PORT"], "tcp://10.96.0.1:443");
  EXPECT_EQ(by_name["KUBERNETES_PORT_443_TCP"], "tcp://10.96.0.1:443");
  EXPECT_EQ(by_name["KUBERNETES_PORT_443_TCP_PROTO"], "tcp");
  EXPECT_EQ(by_name["KUBERNETES_PORT_443_TCP_PORT"], "443");
  EXPECT_EQ(by_name["KUBERNETES_PORT_443_TCP_ADDR"], "10.96.0.1");
  EXPECT_EQ(by_name["MY_DB_PORT"], "mine");
  EXPECT_FALSE(by_name.contains("OTHER_SERVICE_HOST"));
  EXPECT_FALSE(by_name.contains("HEADLESS_SERVICE_HOST"));
  f.pod.spec.enable_service_links = false;
  f.container.env.clear();
  const auto without = f.make();
  ASSERT_TRUE(without);
  EXPECT_EQ(without->size(), 8u) << "the API server alone";
}

TEST(Environment, Names) {
  Fixture f;
  f.container.env_from.emplace_back().config_map_ref.ensure().name = "a";
  f.container.env_from.emplace_back().secret_ref.ensure().name = "b";
  core::EnvVar one = variable("ONE", "");
  one.value_from.ensure().config_map_key_ref.ensure().name = "c";
  f.container.env = {one};
  const referenced_objects::ObjectNames names = environment_names(f.container);
  EXPECT_EQ(names.config_maps, (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(names.secrets, std::set<std::string>{"b"});
}

}  // namespace
}  // namespace pintle::kubelet::container_config
