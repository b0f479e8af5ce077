#include <gtest/gtest.h>

#include "codec/base64.h"
#include "kubelet/images/credentials.h"
#include "kubelet/images/image_name.h"

namespace pintle::kubelet::images {
namespace {

void check_name(std::string_view image, std::string_view registry, std::string_view repository, std::string_view full) {
  const auto name = parse_image_name(image);
  ASSERT_TRUE(name) << image << ": " << name.error().message;
  EXPECT_EQ(name->registry, registry);
  EXPECT_EQ(name->repository, repository);
  EXPECT_EQ(*with_default_tag(image), full);
}

TEST(ImageName, Parts) {
  check_name("busybox", "docker.io", "library/busybox", "busybox:latest");
  check_name("user/app:1.2", "docker.io", "user/app", "user/app:1.2");
  check_name("registry.k8s.io/pause", "registry.k8s.io", "pause", "registry.k8s.io/pause:latest");
  check_name("localhost/a", "localhost", "a", "localhost/a:latest");
  check_name("127.0.0.1:5000/a/b__c.d:v1", "127.0.0.1:5000", "a/b__c.d", "127.0.0.1:5000/a/b__c.d:v1");
  const std::string digest = "@sha256:" + std::string(64, 'a');
  check_name("x" + digest, "docker.io", "library/x", "x" + digest);
  check_name("x:1" + digest, "docker.io", "library/x", "x:1" + digest);
}

TEST(ImageName, Malformed) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/"), std::string("/a"), std::string("a:"), std::string("a..b"),
                                 std::string("a-"), std::string("x@sha256:12"), std::string(64, 'a')}) {
    EXPECT_FALSE(parse_image_name(bad)) << bad;
  }
  EXPECT_EQ(parse_image_name("docker.io/UPPER").error().message,
            "couldn't parse image name \"docker.io/UPPER\": invalid reference format: repository name (UPPER) must be lowercase");
}

api::core_v1::Secret secret(const std::string& json) {
  api::core_v1::Secret out;
  out.type = "kubernetes.io/dockerconfigjson";
  out.data[".dockerconfigjson"] = json;
  return out;
}

std::string users(const std::vector<RegistryCredential>& all, std::string_view image) {
  std::string out;
  for (const auto& one : matching_credentials(all, image)) out += one.auth.username + ":" + one.auth.password + " ";
  return out;
}

TEST(Credentials, MostSpecificFirst) {
  const auto all = credentials_of(
      secret(R"({"auths": {"https://index.docker.io/v1/": {"username": "hub", "password": "1"}, "*.example.com": {"username": "any", "password": "2"},
    "a.example.com/team": {"auth": ")" +
             codec::base64("team:p:w") + R"("}, "localhost:5000": {"username": "local", "password": "3"}}})"));
  ASSERT_TRUE(all);
  EXPECT_EQ(users(*all, "busybox"), "hub:1 ");
  EXPECT_EQ(users(*all, "a.example.com/team/app:1"), "team:p:w any:2 ");
  EXPECT_EQ(users(*all, "a.example.com/other"), "any:2 ");
  EXPECT_EQ(users(*all, "b.a.example.com/x"), "");
  EXPECT_EQ(users(*all, "a.example.com:5000/x"), "") << "a port is the same on both sides";
  EXPECT_EQ(users(*all, "localhost:5000/x"), "local:3 ");
  EXPECT_EQ(users(*all, "localhost:5000/x"), "local:3 ");
  EXPECT_EQ(users(*all, "quay.io/x"), "");
}

// Before, each star was tried against every place behind the one before it: 18 bytes took 10 s, 20 stars for ever.
TEST(Credentials, NoKeyTakesLong) {
  std::string host = std::string(200, 'a') + ".example.com";
  std::string stars;
  for (int i = 0; i < 20; ++i) stars += "*a";
  const auto all = credentials_of(secret(R"({"auths": {")" + stars + R"(b.example.com": {"username": "x", "password": "1"}, ")" + stars +
                                         R"(.example.com": {"username": "y", "password": "2"}, ")" + std::string(2000, '*') +
                                         R"(": {"username": "z", "password": "3"}}})"));
  ASSERT_TRUE(all);
  EXPECT_EQ(users(*all, host + "/app:1"), "y:2 ");
}

TEST(Credentials, TheirSourceIsKnown) {
  auto from = secret(R"({"auths": {"a.example.com": {"username": "u", "password": "p"}}})");
  from.metadata.uid = "uid-1";
  from.metadata.namespace_ = "team";
  from.metadata.name = "pull";
  const auto all = credentials_of(from);
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->front().source.secret->uid + all->front().source.secret->namespace_ + all->front().source.secret->name, "uid-1teampull");
  // sha256 of {"username":"u","password":"p"}
  EXPECT_EQ(all->front().source.secret->credential_hash, "edbd57ca9372e64eb1c9070ecf3a049ac553596b0529acf034c7a71d4e618e88");
}

TEST(Credentials, DocumentsHaveLimits) {
  std::string many = R"({"auths": {)";
  for (std::size_t i = 0; i <= registry_credentials_max; ++i) many += (i == 0 ? "\"h" : ",\"h") + std::to_string(i) + R"(": {})";
  EXPECT_FALSE(credentials_of(secret(many + "}}")));
}

TEST(Credentials, Malformed) {
  EXPECT_FALSE(credentials_of(secret("{")));
  EXPECT_FALSE(credentials_of(secret(R"({"auths": {"x": {"auth": "bm9jb2xvbg=="}}})")));
  EXPECT_TRUE(credentials_of(secret("{}"))->empty());
  EXPECT_TRUE(credentials_of(api::core_v1::Secret())->empty());
}

}  // namespace
}  // namespace pintle::kubelet::images
