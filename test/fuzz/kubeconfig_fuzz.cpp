// Kubeconfig files.
#include "base/check.h"
#include "client/kubeconfig.h"
#include "driver.h"
#include "rt/file.h"

namespace pintle::fuzz {
namespace {

// One file, read only; there is no other.
class OneFile final : public rt::Disk {
 public:
  explicit OneFile(std::string_view text) : text_(text) {}
  Result<std::unique_ptr<rt::File>> open(const std::string& path, rt::OpenOptions options) override {
    if (path != "/config" || options.write) return error(Reason::NotFound, path + ": no such file");
    return std::make_unique<Text>(text_);
  }
  Result<rt::FileStat> stat(const std::string& path) override { return error(Reason::NotFound, path); }
  Result<Unit> rename(const std::string&, const std::string&) override { return Unit{}; }
  Result<Unit> remove(const std::string&) override { return Unit{}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>{}; }
  Result<Unit> make_directories(const std::string&, uint32_t) override { return Unit{}; }
  Result<Unit> sync_directory(const std::string&) override { return Unit{}; }

 private:
  class Text final : public rt::File {
   public:
    explicit Text(std::string_view text) : text_(text) {}
    Result<std::size_t> read_at(uint64_t offset, std::span<char> out) override {
      if (offset >= text_.size()) return std::size_t{0};
      return text_.copy(out.data(), out.size(), offset);
    }
    Result<Unit> write_at(uint64_t, std::string_view) override { return Unit{}; }
    Result<Unit> append(std::string_view) override { return Unit{}; }
    Result<Unit> truncate(uint64_t) override { return Unit{}; }
    Result<uint64_t> size() override { return text_.size(); }
    Result<Unit> sync() override { return Unit{}; }

   private:
    std::string_view text_;
  };
  std::string_view text_;
};

}  // namespace

void one(std::string_view input) {
  OneFile disk(input);
  for (const char* context : {"", "main", "other"}) {
    const auto loaded = client::load_kubeconfig(disk, "/config", context);
    CHECK(!loaded || !loaded->client.server.ends_with('/'), "a server's URL has no slash at its end");
  }
}

std::vector<std::string> seeds() {
  return {R"(
apiVersion: v1
kind: Config
current-context: main
clusters:
- name: c1
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority: ca.crt, tls-server-name: kubernetes}
- name: c2
  cluster: {server: "https://10.0.0.2", certificate-authority-data: Q0E=, insecure-skip-tls-verify: true}
users:
- name: files
  user: {client-certificate: /abs/c.crt, client-key: keys/c.key, tokenFile: t}
- name: data
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ, token: secret, as: other, as-groups: [g1], as-user-extra: {k: [v]}}
- name: plugin
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./p, args: [a], env: [{name: A, value: b}], interactiveMode: Never}}
contexts:
- {name: main, context: {cluster: c1, user: files}}
- {name: other, context: {cluster: c2, user: data, namespace: n}}
)",
          client::write_kubeconfig(
              {.cluster_name = "c", .user_name = "u", .server = "https://h", .ca_pem = "CA", .cert_pem = "C", .key_pem = "K", .token = "t"})};
}
std::vector<std::string> tokens() {
  return {"\n",          "\n- ",       ": ",
          "{",           "}",          "[",
          "]",           "&a ",        "*a",
          "<<: ",        "name: main", "current-context: ",
          "cluster: c1", "user: data", "exec: {command: x}",
          "Q0E=",        "!!binary ",  "---\n",
          "|\n  ",       "\""};
}

}  // namespace pintle::fuzz
