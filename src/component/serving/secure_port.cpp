#include "component/serving/secure_port.h"

#include <algorithm>

#include "base/strings.h"
#include "component/log.h"
#include "component/version.h"

namespace pintle::component {

namespace {

constexpr rt::Duration drain_grace = std::chrono::seconds(1);
constexpr std::string_view administrators = "system:masters";  // who may everything, whether the API server can be asked or not

}  // namespace

SecurePort::SecurePort(SecurePortSetup setup)
    : setup_(std::move(setup)),
      started_(setup_.runtime.clock().wall_now()),
      access_({.clock = setup_.runtime.clock(),
               .reviewer = setup_.reviewer,
               .token_ttl = setup_.options.token_ttl,
               .allowed_ttl = setup_.options.allowed_ttl,
               .denied_ttl = setup_.options.denied_ttl}) {}

void SecurePort::use_own_certificate() {
  std::string folder = setup_.options.cert_dir;
  if (folder.empty()) folder = temporary_folder_ = "/tmp/pintle-" + setup_.name + "-" + std::to_string(setup_.runtime.random().next_u64());
  setup_.options.tls.cert_file = folder + "/" + setup_.name + ".crt";
  setup_.options.tls.key_file = folder + "/" + setup_.name + ".key";
  SelfSignedSetup wanted{
      .runtime = setup_.runtime, .cert_file = setup_.options.tls.cert_file, .key_file = setup_.options.tls.key_file, .common_name = setup_.name};
  wanted.dns_names = {"localhost", setup_.name};
  wanted.ip_addresses = {"127.0.0.1", "::1"};
  certificate_ = std::make_unique<SelfSignedCertificate>(std::move(wanted));
}

rt::Task<Result<Unit>> SecurePort::start() {
  if (setup_.options.tls.cert_file.empty()) {
    use_own_certificate();
    CO_TRY(certificate_->ensure());
  }
  net::ServerOptions options;
  options.listen = rt::Endpoint{setup_.options.bind_address.empty() ? "0.0.0.0" : setup_.options.bind_address, setup_.options.port};
  options.tls = setup_.options.tls;
  options.on_reload_error = [](const Status& status) { log::error("The serving certificate cannot be read again", status); };
  server_ = net::make_server(setup_.runtime, *this, std::move(options));
  CO_TRY(co_await server_->start());
  if (certificate_) certificate_->start();
  co_return Unit{};
}

rt::Task<void> SecurePort::stop() {
  if (server_) co_await server_->drain(drain_grace);
  if (certificate_) co_await certificate_->stop();
  if (temporary_folder_.empty()) co_return;
  rt::Disk& disk = setup_.runtime.disk();
  for (const std::string& path : {setup_.options.tls.cert_file, setup_.options.tls.key_file, temporary_folder_})
    (void)disk.remove(path);  // nobody misses what is left
}

bool SecurePort::is_open(std::string_view path) const {
  return std::ranges::any_of(setup_.options.always_allow_paths, [&](std::string_view open) {
    return open.ends_with('*') ? path.starts_with(open.substr(0, open.size() - 1)) : path == open;
  });
}

rt::Task<Result<Unit>> SecurePort::check(rt::Context ctx, net::Request& request) {
  if (is_open(request.path)) co_return Unit{};
  CO_TRY_ASSIGN(UserInfo user, co_await access_.authenticate(ctx, request));
  if (std::ranges::find(user.groups, administrators) != user.groups.end()) co_return Unit{};
  AccessAttributes attributes;
  attributes.verb = to_lower(request.method);
  attributes.path = request.path;
  auto refused = error(Reason::Forbidden, "forbidden: User \"" + user.username + "\" cannot " + attributes.verb + " path \"" + request.path + "\"");
  if (setup_.reviewer == nullptr) co_return std::move(refused);
  CO_TRY_ASSIGN(const bool allowed, co_await access_.is_allowed(ctx, std::move(user), std::move(attributes)));
  if (!allowed) co_return std::move(refused);
  co_return Unit{};
}

SecurePort::Page SecurePort::page(const std::string& path, std::string_view accept) const {
  Page out;
  const auto is_below = [&](std::string_view root) { return path == root || (path.starts_with(root) && path[root.size()] == '/'); };
  if (path == "/healthz" || is_below("/livez")) {
    out.body = "ok";
  } else if (is_below("/readyz")) {
    const bool ready = !setup_.ready || setup_.ready();
    out.status = ready ? 200 : 500;
    out.body = ready ? "ok" : "[-]informer-sync failed: reason withheld\nreadyz check failed\n";
  } else if (path == "/metrics") {
    out.type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    out.body = setup_.metrics.write();
  } else if (path == "/configz") {
    out.type = "application/json";
    out.body = "{";
    for (const auto& [name, json] : setup_.config) out.body += (out.body.size() > 1 ? ",\"" : "\"") + name + "\":" + json;
    out.body += "}";
  } else if ((path == "/statusz" || path == "/flagz") && !takes_text(accept)) {
    out.status = 406;
    out.body = "only text/plain is served here\n";
  } else if (path == "/statusz") {
    out.body = statusz_page({setup_.name, started_, setup_.runtime.clock().wall_now(), {"/configz", "/flagz", "/healthz", "/metrics"}});
  } else if (path == "/flagz") {
    out.body = flagz_page(setup_.name, setup_.flags);
  } else if (path == "/version") {
    out.type = "application/json";
    out.body = std::string("{\"gitVersion\":\"") + kubernetes_version + "\"}";
  } else {
    out.status = 404;
    out.body = "404 page not found\n";
  }
  return out;
}

rt::Task<void> SecurePort::serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) {
  const auto may = co_await check(ctx, request);
  Page answer;
  if (may) {
    answer = page(request.path, request.headers.get("accept"));
  } else {
    answer.status = may.error().http();
    answer.body = may.error().message + "\n";
  }
  (void)co_await net::respond(writer, answer.status, std::move(answer.type), Bytes(std::move(answer.body)));  // a peer that went away misses it
}

}  // namespace pintle::component
