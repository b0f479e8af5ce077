#include "cmd/component_server/component_server.h"

#include <algorithm>

#include "api/gen/authorization_v1.h"
#include "apiserver/endpoints/version.h"
#include "component/certificate/certificate.h"
#include "component/certificate/keys.h"
#include "kubelet/server/access.h"
#include "net/server.h"

namespace pintle::cmd {

namespace {

constexpr int64_t certificate_validity_seconds = int64_t{365} * 24 * 3600;
constexpr rt::Duration drain_grace = std::chrono::seconds(1);

using kubelet::server::User;

class Impl final : public ComponentServer, public net::Handler {
 public:
  explicit Impl(ComponentServerSetup setup) : setup_(std::move(setup)), access_(access_deps()) {}

  rt::Task<Result<Unit>> start() override {
    CO_TRY(ensure_certificate());
    net::ServerOptions options;
    options.listen = rt::Endpoint{setup_.bind_address.empty() ? "0.0.0.0" : setup_.bind_address, setup_.port};
    options.tls.emplace();
    options.tls->cert_file = setup_.cert_file;
    options.tls->key_file = setup_.key_file;
    options.tls->client_ca_file = setup_.client_ca_file;
    options.tls->min_version = setup_.tls_min_version;
    options.tls->cipher_suites = setup_.cipher_suites;
    server_ = net::make_server(setup_.runtime, *this, std::move(options));
    co_return co_await server_->start();
  }
  rt::Task<void> stop() override {
    if (server_) co_await server_->drain(drain_grace);
    rt::Disk& disk = setup_.runtime.disk();
    for (const std::string& path : made_) (void)disk.remove(path);  // temporary: nobody misses what is left
  }

  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    auto may = co_await check(ctx, request);
    if (!may) {
      const int status = may.error().http();
      co_await answer(writer, status, "text/plain; charset=utf-8", may.error().message + "\n");
      co_return;
    }
    co_await respond_to(request, writer);
  }

 private:
  kubelet::server::AccessDeps access_deps() const {
    kubelet::server::AccessDeps deps{setup_.runtime.clock()};
    deps.client = setup_.client;
    deps.authentication.anonymous.enabled = true;
    deps.authentication.webhook.enabled = true;
    deps.authentication.webhook.cache_ttl.nanos = std::chrono::nanoseconds(std::chrono::seconds(10)).count();
    return deps;
  }

  Result<Unit> ensure_certificate() {
    if (!setup_.cert_file.empty()) return Unit{};
    rt::Disk& disk = setup_.runtime.disk();
    const bool temporary = setup_.cert_dir.empty();
    const std::string folder = temporary ? "/tmp/pintle-" + setup_.name + "-" + std::to_string(setup_.runtime.random().next_u64()) : setup_.cert_dir;
    setup_.cert_file = folder + "/" + setup_.name + ".crt";
    setup_.key_file = folder + "/" + setup_.name + ".key";
    if (disk.stat(setup_.cert_file) && disk.stat(setup_.key_file)) return Unit{};
    TRY(disk.make_directories(folder, 0700));
    if (temporary) made_ = {setup_.cert_file, setup_.key_file, folder};
    TRY_ASSIGN(const auto key, component::PrivateKey::generate_ec_p256());
    component::CertificateSpec spec;
    spec.common_name = setup_.name;
    spec.dns_names = {"localhost"};
    spec.ip_addresses = {"127.0.0.1", "::1"};
    spec.authority = true;
    spec.server = true;
    spec.not_before = std::chrono::duration_cast<std::chrono::seconds>(setup_.runtime.clock().wall_now().time_since_epoch()).count() - 3600;
    spec.not_after = spec.not_before + certificate_validity_seconds;
    spec.serial = setup_.runtime.random().next_u64() >> 1;
    TRY_ASSIGN(const std::string certificate, component::issue_certificate(spec, key.public_key(), key, ""));
    TRY(disk.write(setup_.key_file, key.to_pem(), 0600));
    return disk.write(setup_.cert_file, certificate, 0644);
  }

  bool is_open(const std::string& path) const {
    return std::ranges::any_of(setup_.always_allow_paths, [&](const std::string& open) {
      return open.ends_with("/*") ? path.starts_with(std::string_view(open).substr(0, open.size() - 1))
                                  : path == open || path.starts_with(open + "/");
    });
  }

  rt::Task<Result<Unit>> check(rt::Context ctx, net::Request& request) {
    if (is_open(request.path)) co_return Unit{};
    CO_TRY_ASSIGN(User user, co_await access_.authenticate(ctx, request));
    const std::string name = user.username;
    if (setup_.client != nullptr) {
      api::authorization_v1::SubjectAccessReview review;
      review.spec.user = std::move(user.username);
      review.spec.groups = std::move(user.groups);
      review.spec.uid = std::move(user.uid);
      review.spec.extra = std::move(user.extra);
      auto& what = review.spec.non_resource_attributes.ensure();
      what.path = request.path;
      what.verb = to_verb(request.method);
      CO_TRY_ASSIGN(const auto answer, co_await setup_.client->create(ctx, std::move(review)));
      if (answer.status.allowed && !answer.status.denied) co_return Unit{};
    }
    co_return error(Reason::Forbidden, "forbidden: User \"" + name + "\" cannot " + to_verb(request.method) + " path \"" + request.path + "\"");
  }
  static std::string to_verb(const std::string& method) {
    std::string out;
    for (char c : method) out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return out;
  }

  rt::Task<void> respond_to(net::Request& request, net::ResponseWriter& writer) {
    const std::string& path = request.path;
    if (path == "/healthz" || path == "/livez" || path.starts_with("/livez/")) {
      co_await answer(writer, 200, "text/plain; charset=utf-8", "ok");
    } else if (path == "/readyz" || path.starts_with("/readyz/")) {
      const bool ready = !setup_.ready || setup_.ready();
      const int status = ready ? 200 : 500;
      const char* text = ready ? "ok" : "[-]informer-sync failed: reason withheld\nreadyz check failed\n";
      co_await answer(writer, status, "text/plain; charset=utf-8", text);
    } else if (path == "/metrics") {
      co_await answer(writer, 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", setup_.metrics.write());
    } else if (path == "/configz") {
      std::string body = "{";
      for (const auto& [name, json] : setup_.config) body += (body.size() > 1 ? ",\"" : "\"") + name + "\":" + json;
      co_await answer(writer, 200, "application/json", body + "}");
    } else if (path == "/version") {
      co_await answer(writer, 200, "application/json", std::string("{\"gitVersion\":\"") + apiserver::git_version + "\"}");
    } else {
      co_await answer(writer, 404, "text/plain; charset=utf-8", "404 page not found\n");
    }
  }
  static rt::Task<void> answer(net::ResponseWriter& writer, int status, std::string type, std::string body) {
    (void)co_await net::respond(writer, status, std::move(type), Bytes(std::move(body)));  // a peer that went away misses it
  }

  ComponentServerSetup setup_;
  kubelet::server::Access access_;
  std::unique_ptr<net::Server> server_;
  std::vector<std::string> made_;
};

}  // namespace

std::unique_ptr<ComponentServer> make_component_server(ComponentServerSetup setup) { return std::make_unique<Impl>(std::move(setup)); }

}  // namespace pintle::cmd
