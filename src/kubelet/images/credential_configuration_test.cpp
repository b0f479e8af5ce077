#include "kubelet/images/credential_configuration.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "os/path.h"
#include "os/replace_file.h"
#include "rt/testing.h"

namespace pintle::kubelet::images {
namespace {

constexpr std::string_view head = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n";

std::string provider(const std::string& more, const std::string& name = "ecr", const std::string& version = "v1") {
  return "- {name: " + name +
         ", matchImages: ['*.dkr.ecr.*.amazonaws.com'], defaultCacheDuration: 12h, apiVersion: credentialprovider.kubelet.k8s.io/" + version + more +
         "}\n";
}

// What a configuration of these files says: "NAME NAME ..." or the error.
std::string read(const std::vector<std::pair<std::string, std::string>>& files, bool tokens = true, const std::string& which = "") {
  std::string root = ::testing::TempDir() + "pintle-providers-XXXXXX";
  EXPECT_NE(::mkdtemp(root.data()), nullptr);
  std::string out;
  rt::testing::run_task([&]() -> rt::Task<void> {
    rt::Disk& disk = rt::Executor::current().runtime().disk();
    EXPECT_TRUE(disk.make_directories(root + "/bin"));
    EXPECT_TRUE(disk.make_directories(root + "/config/folder.yaml"));
    for (const char* name : {"ecr", "gcr"}) EXPECT_TRUE(disk.write(root + "/bin/" + name, "", 0755));
    EXPECT_TRUE(disk.write(root + "/bin/text", "", 0644));
    for (const auto& [name, text] : files) EXPECT_TRUE(disk.write(root + "/config/" + name, text));
    const auto got = read_credential_configuration(disk, root + "/config" + which, root + "/bin", tokens);
    if (!got) {
      out = got.error().message;
      for (std::size_t at = out.find(root); at != std::string::npos; at = out.find(root)) out.replace(at, root.size(), "ROOT");
    } else {
      for (const auto& one : got->providers) out += one.name + " ";
      EXPECT_TRUE(got->hash.starts_with("sha256:") && got->hash.size() == 71) << got->hash;
    }
    co_return;
  });
  EXPECT_TRUE(os::remove_tree(root));
  return out;
}

std::string read_one(const std::string& text, bool tokens = true) {
  constexpr std::string_view prefix = "configuration of credential providers: ";
  std::string out = read({{"a.yaml", text}}, tokens);
  return out.starts_with(prefix) ? out.substr(prefix.size()) : out;
}

TEST(CredentialConfiguration, FilesOfAFolder) {
  const std::string head_text(head);
  EXPECT_EQ(read({{"b.yml", head_text + provider("", "ecr")}, {"a.json", head_text + provider("", "gcr")}, {"c.txt", "no"}}), "gcr ecr ");
  EXPECT_EQ(read({{"b.yaml", head_text + provider("")}, {"c.txt", "no"}}, true, "/b.yaml"), "ecr ");
  EXPECT_EQ(read({{"a.yaml", head_text + provider("")}, {"b.yaml", head_text + provider("")}}),
            "configuration of credential providers: providers[].name: \"ecr\" is there twice");
  EXPECT_EQ(read({}), "configuration of credential providers: ROOT/config: no *.json, *.yaml or *.yml in this folder");
  EXPECT_TRUE(read({}, true, "/absent").starts_with("configuration of credential providers: ROOT/config/absent: "));
}

TEST(CredentialConfiguration, WhatIsRefused) {
  const std::string head_text(head), old_head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: CredentialProviderConfig\nproviders:\n";
  const std::string token = ", tokenAttributes: {serviceAccountTokenAudience: x, cacheType: Token, requireServiceAccount: true";
  const auto with = [&](const std::string& more) { return read_one(head_text + provider(more)); };
  EXPECT_EQ(read_one(old_head + provider("", "ecr", "v1alpha1")), "ecr ");
  EXPECT_EQ(with(token + "}"), "ecr ");
  EXPECT_EQ(with(token + ", requiredServiceAccountAnnotationKeys: [Example.com/A], optionalServiceAccountAnnotationKeys: [b]}"), "ecr ");
  EXPECT_EQ(read_one(old_head + provider(token + "}")),
            "ROOT/config/a.yaml: unknown field \"providers[].tokenAttributes\" in kubelet.config.k8s.io/v1beta1");
  EXPECT_EQ(read_one(head_text + provider(token + "}"), false),
            "providers[ecr].tokenAttributes: KubeletServiceAccountTokenForCredentialProviders is off");
  EXPECT_EQ(read_one(head_text + provider(token + "}", "ecr", "v1beta1")),
            "providers[ecr].tokenAttributes: only with apiVersion credentialprovider.kubelet.k8s.io/v1");
  EXPECT_EQ(with(token + ", requiredServiceAccountAnnotationKeys: [a, a]}"),
            "providers[ecr].tokenAttributes.requiredServiceAccountAnnotationKeys: \"a\" is there twice");
  EXPECT_EQ(with(token + ", requiredServiceAccountAnnotationKeys: [a], optionalServiceAccountAnnotationKeys: [a]}"),
            "providers[ecr].tokenAttributes.optionalServiceAccountAnnotationKeys: \"a\" is there twice");
  EXPECT_TRUE(with(token + ", requiredServiceAccountAnnotationKeys: [a b]}")
                  .starts_with("providers[ecr].tokenAttributes.requiredServiceAccountAnnotationKeys: \"a b\": "));
  EXPECT_EQ(with(", tokenAttributes: {serviceAccountTokenAudience: x, cacheType: None, requireServiceAccount: true}"),
            "providers[ecr].tokenAttributes.cacheType: \"None\" is none of \"ServiceAccount\", \"Token\"");
  EXPECT_EQ(with(", tokenAttributes: {cacheType: Token, requireServiceAccount: true}"),
            "providers[ecr].tokenAttributes.serviceAccountTokenAudience: is required");
  EXPECT_EQ(with(", tokenAttributes: {serviceAccountTokenAudience: x, cacheType: Token}"),
            "providers[ecr].tokenAttributes.requireServiceAccount: is required");
  EXPECT_EQ(with(", tokenAttributes: {serviceAccountTokenAudience: x, cacheType: Token, requireServiceAccount: false, "
                 "requiredServiceAccountAnnotationKeys: [a]}"),
            "providers[ecr].tokenAttributes.requiredServiceAccountAnnotationKeys: requireServiceAccount is false");
  EXPECT_EQ(read_one(head_text + provider("", "absent")), "ROOT/bin/absent: is no program");
  EXPECT_EQ(read_one(head_text + provider("", "text")), "ROOT/bin/text: is no program");
  EXPECT_EQ(read_one(head_text + provider("", "../ecr")), "providers[].name: \"../ecr\" is no file's name without '/' and spaces");
  EXPECT_EQ(
      read_one(head_text + provider("", "ecr", "v2")),
      "providers[ecr].apiVersion: \"credentialprovider.kubelet.k8s.io/v2\" is none of credentialprovider.kubelet.k8s.io/v1, /v1beta1, /v1alpha1");
  EXPECT_EQ(read_one(head_text + "- {name: ecr, defaultCacheDuration: 1h, apiVersion: credentialprovider.kubelet.k8s.io/v1}\n"),
            "providers[ecr].matchImages: is required");
  EXPECT_EQ(read_one(head_text + "- {name: ecr, matchImages: ['a b'], defaultCacheDuration: 1h, apiVersion: credentialprovider.kubelet.k8s.io/v1}\n"),
            "providers[ecr].matchImages: \"a b\" is no HOST[:PORT][/PATH]");
  EXPECT_EQ(read_one(head_text + "- {name: ecr, matchImages: [x], apiVersion: credentialprovider.kubelet.k8s.io/v1}\n"),
            "providers[ecr].defaultCacheDuration: is required");
  EXPECT_EQ(read_one(head_text + "- {name: ecr, matchImages: [x], defaultCacheDuration: -1s, apiVersion: credentialprovider.kubelet.k8s.io/v1}\n"),
            "providers[ecr].defaultCacheDuration: is less than 0");
  EXPECT_TRUE(with(", bogus: 1").find("unknown field \"providers[0].bogus\"") != std::string::npos) << with(", bogus: 1");
  EXPECT_EQ(read_one("[]"), "ROOT/config/a.yaml: not an object");
}

}  // namespace
}  // namespace pintle::kubelet::images
