// Image pull secrets, image names and the patterns of registries: what a tenant writes and the node agent reads.
#include "base/check.h"
#include "codec/base64.h"
#include "driver.h"
#include "kubelet/images/credentials.h"
#include "kubelet/images/glob.h"
#include "kubelet/images/image_name.h"

namespace pintle::fuzz {
namespace {

void check_secret(std::string_view text, bool old_form) {
  api::core_v1::Secret secret;
  secret.type = old_form ? "kubernetes.io/dockercfg" : "kubernetes.io/dockerconfigjson";
  secret.data[old_form ? ".dockercfg" : ".dockerconfigjson"] = std::string(text);
  const auto all = kubelet::images::credentials_of(secret);
  if (!all) return;
  CHECK(all->size() <= kubelet::images::registry_credentials_max, "a secret has a limit");
  for (const char* image : {"busybox", "a.example.com/team/app:1", "127.0.0.1:5000/x", "localhost/x"}) {
    const auto found = kubelet::images::matching_credentials(*all, image);
    CHECK(found.size() <= all->size(), "no more than there are");
    for (const auto& one : found) CHECK(one.source.secret && one.source.secret->credential_hash.size() == 64, "each has a hash");
  }
}

void check_image(std::string_view text) {
  const auto name = kubelet::images::parse_image_name(text);
  const auto full = kubelet::images::with_default_tag(text);
  CHECK(name.has_value() == full.has_value(), "both read the same names");
  if (!full) return;
  CHECK(kubelet::images::with_default_tag(*full).value_or("") == *full, "a tag is added once");
  const std::string listed = kubelet::images::listed_image_name(text);
  CHECK(kubelet::images::listed_image_name(listed) == listed, "the listed form is its own");
}

}  // namespace

void one(std::string_view input) {
  if (input.empty()) return;
  const std::string_view text = input.substr(1);
  switch (static_cast<unsigned char>(input[0]) % 4) {
    case 0: check_secret(text, false); break;
    case 1: check_secret(text, true); break;
    case 2: check_image(text); break;
    default: {
      const auto zero = std::min(text.find('\0'), text.size());
      const std::string_view pattern = text.substr(0, std::min<std::size_t>(zero, 512));
      const std::string_view rest = text.substr(std::min(zero + 1, text.size()));
      (void)kubelet::images::glob_matches(pattern, rest.substr(0, 512));
    }
  }
}

std::vector<std::string> seeds() {
  std::vector<std::string> out;
  out.push_back(std::string(1, '\0') +
                R"({"auths": {"https://index.docker.io/v1/": {"username": "u", "password": "p"}, "*.example.com": {"auth": ")" +
                codec::base64("a:b") + R"("}}})");
  out.push_back(std::string(1, '\1') + R"({"127.0.0.1:5000": {"auth": ")" + codec::base64("a:b:c") + R"("}, "localhost/x": {}})");
  for (const char* image : {"busybox", "registry.k8s.io/pause:3.10", "127.0.0.1:5000/a/b__c:v1", "[::1]:5000/x",
                            "x@sha256:0123456789012345678901234567890123456789012345678901234567890123"})
    out.push_back("\2" + std::string(image));
  out.push_back(std::string("\3*.ex[a-z]mple.?om\0www.example.com", 35));
  return out;
}
std::vector<std::string> tokens() {
  return {"*", "*a", "[a-", "[^", "]", "\\", "?", "{\"auths\":{", "\"auth\":\"", "https://", "/v1/", "@sha256:", ":latest", "docker.io/"};
}

}  // namespace pintle::fuzz
