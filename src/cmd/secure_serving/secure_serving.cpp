#include "cmd/secure_serving/secure_serving.h"

#include <algorithm>

#include "api/gen/authentication_v1.h"
#include "api/gen/authorization_v1.h"
#include "component/certificate/certificate.h"

namespace pintle::cmd {

namespace {

constexpr rt::Duration drain_grace = std::chrono::seconds(5);
constexpr int64_t own_certificate_seconds = 365LL * 24 * 3600;

struct Caller {
  std::string user = "system:anonymous";
  std::vector<std::string> groups = {"system:unauthenticated"};
};

class Serving final : public SecureServing, public net::Handler {
 public:
  explicit Serving(SecureServingSetup setup) : setup_(std::move(setup)) {}

  rt::Task<Result<Unit>> start() override {
    if (setup_.tls.cert_file.empty()) CO_TRY(make_own_certificate());
    net::ServerOptions options;
    options.listen = rt::Endpoint{setup_.bind_address, setup_.port};
    options.tls = setup_.tls;
    server_ = net::make_server(setup_.runtime, *this, std::move(options));
    co_return co_await server_->start();
  }
  rt::Task<void> stop() override {
    if (server_) co_await server_->drain(drain_grace);
  }
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override;

 private:
  Result<Unit> make_own_certificate();
  rt::Task<Result<Caller>> authenticate(rt::Context ctx, const net::Request& request);
  rt::Task<Result<bool>> may(rt::Context ctx, Caller caller, std::string method, std::string path);

  SecureServingSetup setup_;
  std::unique_ptr<net::Server> server_;
};

// New at each start: nobody trusts it beforehand, and an old one would expire some day.
Result<Unit> Serving::make_own_certificate() {
  const std::string folder = setup_.cert_dir.empty() ? "/run/pintle/" + setup_.component : setup_.cert_dir;
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(setup_.runtime.clock().wall_now().time_since_epoch()).count();
  component::CertificateSpec spec;
  spec.common_name = setup_.component;
  spec.dns_names = {"localhost", setup_.component};
  spec.ip_addresses = {"127.0.0.1"};
  spec.server = true;
  spec.not_before = now - 3600;
  spec.not_after = now + own_certificate_seconds;
  spec.serial = setup_.runtime.random().next_u64() >> 1;
  TRY_ASSIGN(const auto key, component::PrivateKey::generate_ec_p256());
  TRY_ASSIGN(const std::string certificate, component::issue_certificate(spec, key.public_key(), key, ""));
  setup_.tls.cert_file = folder + "/" + setup_.component + ".crt";
  setup_.tls.key_file = folder + "/" + setup_.component + ".key";
  TRY(setup_.runtime.disk().make_directories(folder));
  TRY(setup_.runtime.disk().write(setup_.tls.cert_file, certificate));
  return setup_.runtime.disk().write(setup_.tls.key_file, key.to_pem(), 0600);
}

rt::Task<Result<Caller>> Serving::authenticate(rt::Context ctx, const net::Request& request) {
  Caller caller;
  if (request.peer && !request.peer->verified_chain_der.empty()) {
    auto info = component::parse_certificate_der(request.peer->verified_chain_der.front());
    // A connection may outlive the certificate that opened it.
    const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(setup_.runtime.clock().wall_now().time_since_epoch()).count();
    if (info && now > info->not_after) co_return error(Reason::Unauthorized, "Unauthorized");
    if (info && !info->common_name.empty()) {
      caller.user = info->common_name;
      caller.groups = info->organizations;
      caller.groups.push_back("system:authenticated");
      co_return caller;
    }
  }
  const std::string_view header = request.headers.get("authorization");
  constexpr std::string_view bearer = "Bearer ";
  // A credential that was shown and is no good never makes its sender anonymous.
  if (!header.starts_with(bearer)) {
    if (!request.peer_error.empty()) co_return error(Reason::Unauthorized, "Unauthorized");
    co_return caller;
  }
  if (setup_.reviewer == nullptr) co_return error(Reason::Unauthorized, "Unauthorized");
  api::authentication_v1::TokenReview review;
  review.spec.token = header.substr(bearer.size());
  auto answer = co_await setup_.reviewer->create<api::authentication_v1::TokenReview>(std::move(ctx), std::move(review));
  if (!answer) co_return Unexpected(std::move(answer).error());
  if (!answer->status.authenticated) co_return error(Reason::Unauthorized, "Unauthorized");
  caller.user = answer->status.user.username;
  caller.groups = answer->status.user.groups;
  co_return caller;
}

rt::Task<Result<bool>> Serving::may(rt::Context ctx, Caller caller, std::string method, std::string path) {
  if (std::ranges::find(caller.groups, "system:masters") != caller.groups.end()) co_return true;
  if (setup_.reviewer == nullptr) co_return false;
  api::authorization_v1::SubjectAccessReview review;
  review.spec.user = std::move(caller.user);
  review.spec.groups = std::move(caller.groups);
  auto& attributes = review.spec.non_resource_attributes.ensure();
  attributes.path = std::move(path);
  attributes.verb = method == "GET" ? "get" : method == "HEAD" ? "head" : method == "POST" ? "post" : "put";
  auto answer = co_await setup_.reviewer->create<api::authorization_v1::SubjectAccessReview>(std::move(ctx), std::move(review));
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return answer->status.allowed;
}

rt::Task<void> Serving::serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) {
  const std::string path = request.path;
  int status = 200;
  std::string body = "ok", type = "text/plain; charset=utf-8";
  if (std::ranges::find(setup_.always_allow_paths, path) == setup_.always_allow_paths.end()) {
    auto caller = co_await authenticate(ctx, request);
    bool allowed = false;
    if (caller) {
      auto answer = co_await may(ctx, *caller, request.method, path);
      allowed = answer && *answer;
    }
    if (!caller) {
      status = caller.error().reason == Reason::Unauthorized ? 401 : 500;
      body = caller.error().message;
    } else if (!allowed) {
      status = 403;
      body = "Forbidden: User \"" + caller->user + "\" cannot get path \"" + path + "\"";
    }
  }
  if (status == 200) {
    if (path == "/metrics" && setup_.metrics != nullptr) {
      body = setup_.metrics->write();
      type = "text/plain; version=0.0.4; charset=utf-8";
    } else if (path != "/healthz" && path != "/livez" && path != "/readyz") {
      status = 404;
      body = "404 page not found\n";
    } else if (setup_.healthy && !setup_.healthy()) {
      status = 500;
      body = "not healthy\n";
    }
  }
  auto sent = co_await net::respond(writer, status, std::move(type), Bytes(body));
  (void)sent;  // the peer has gone
}

}  // namespace

std::unique_ptr<SecureServing> make_secure_serving(SecureServingSetup setup) { return std::make_unique<Serving>(std::move(setup)); }

}  // namespace pintle::cmd
