#include "kubelet/certificates/certificate_manager.h"

#include <algorithm>

#include "api/gen/certificates_v1.h"
#include "base/ip_address.h"
#include "component/log.h"
#include "rt/sync.h"

namespace pintle::kubelet::certificates {

namespace {

using namespace std::chrono_literals;
using api::certificates_v1::CertificateSigningRequest;
namespace log = component::log;

// Upstream's patience with whoever approves.
constexpr auto request_patience = 15min;
constexpr auto retry_first = 2s;
constexpr auto retry_max = 1min;
// A sleep this long is looked up from: wall clocks are set.
constexpr auto look_again = std::chrono::hours(1);

constexpr const char* bootstrap_key_file = "kubelet-client.key.tmp";  // upstream's name
constexpr uint32_t key_mode = 0600, key_folder_mode = 0750;

int64_t wall_seconds(rt::Runtime& runtime) { return runtime.clock().wall_now().time_since_epoch().count() / 1'000'000'000; }

std::vector<std::string> usages_of(const component::CertificateSpec& spec) {
  return {"digital signature", spec.server ? "server auth" : "client auth"};
}

// Its certificate, once there is one. An error: it was denied or has failed.
Result<std::string> verdict(const CertificateSigningRequest& request) {
  bool approved = false;
  for (const auto& condition : request.status.conditions) {
    if (condition.type == "Denied")
      return error(Reason::Forbidden, "certificate signing request " + request.metadata.name + " is denied, reason: " + condition.reason +
                                          ", message: " + condition.message);
    if (condition.type == "Failed")
      return error(Reason::Forbidden, "certificate signing request " + request.metadata.name + " failed, reason: " + condition.reason +
                                          ", message: " + condition.message);
    approved = approved || condition.type == "Approved";
  }
  return approved ? request.status.certificate : std::string();
}

// Follows one request by its name until it is decided.
rt::Task<Result<std::string>> wait_for_certificate(rt::Context ctx, client::Client* client, std::string name) {
  const std::string no_namespace;
  while (true) {
    CO_TRY_ASSIGN(auto request, co_await client->get<CertificateSigningRequest>(ctx, no_namespace, name));
    CO_TRY_ASSIGN(std::string certificate, verdict(request));
    if (!certificate.empty()) co_return std::move(certificate);
    client::WatchOptions options;
    options.field_selector = "metadata.name=" + name;
    options.resource_version = request.metadata.resource_version;
    auto watch = co_await client->watch_objects(ctx, client::resource_of<CertificateSigningRequest>(), api::type_of<CertificateSigningRequest>(),
                                                std::move(options));
    if (!watch) {
      if (ctx.done()) co_return Unexpected(ctx.status());
      CO_TRY(co_await rt::sleep_for(ctx, retry_first));
      continue;
    }
    while (true) {
      auto event = co_await (*watch)->next(ctx);
      if (ctx.done()) co_return Unexpected(ctx.status());
      if (!event || event->type == client::EventType::Deleted) break;  // look again, and say what get() says
      if (event->type == client::EventType::Bookmark) continue;
      CO_TRY_ASSIGN(std::string signed_now, verdict(event->object.as<CertificateSigningRequest>()));
      if (!signed_now.empty()) co_return std::move(signed_now);
    }
  }
}

}  // namespace

component::CertificateSpec client_certificate_spec(const std::string& node_name) {
  component::CertificateSpec out;
  out.common_name = "system:node:" + node_name;
  out.organizations = {"system:nodes"};
  out.client = true;
  return out;
}

std::optional<component::CertificateSpec> serving_certificate_spec(const std::string& node_name,
                                                                   const std::vector<api::core_v1::NodeAddress>& addresses) {
  component::CertificateSpec out = client_certificate_spec(node_name);
  out.client = false;
  out.server = true;
  for (const auto& address : addresses) {
    if (address.address.empty()) continue;
    const bool numeric = parse_address(address.address).has_value();
    if (numeric && address.type.ends_with("DNS")) continue;
    if (!numeric && address.type.ends_with("IP")) continue;
    (numeric ? out.ip_addresses : out.dns_names).push_back(address.address);
  }
  for (auto* list : {&out.ip_addresses, &out.dns_names}) {
    std::ranges::sort(*list);
    const auto repeated = std::ranges::unique(*list);
    list->erase(repeated.begin(), repeated.end());
  }
  if (out.ip_addresses.empty()) return std::nullopt;
  return out;
}

int64_t renewal_time(int64_t not_before, int64_t not_after, double share) {
  const auto life = static_cast<double>(not_after - not_before);
  return not_before + static_cast<int64_t>(life * 7 / 10 + life / 5 * share);
}

bool certifies(const component::CertificateInfo& info, const component::CertificateSpec& wanted) {
  const auto holds = [](const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::ranges::all_of(some, [&](const std::string& name) { return std::ranges::find(all, name) != all.end(); });
  };
  return info.common_name == wanted.common_name && holds(info.organizations, wanted.organizations) && holds(info.dns_names, wanted.dns_names) &&
         holds(info.ip_addresses, wanted.ip_addresses);
}

rt::Task<Result<CertificatePair>> request_certificate(rt::Context ctx, client::Client* client, std::string signer, component::CertificateSpec spec,
                                                      component::PrivateKey key, rt::Duration patience) {
  CertificateSigningRequest request;
  request.metadata.generate_name = "csr-";
  CO_TRY_ASSIGN(request.spec.request, component::make_certificate_request(spec, key));
  request.spec.signer_name = std::move(signer);
  request.spec.usages = usages_of(spec);
  const rt::Context bounded = ctx.with_timeout(patience);
  CO_TRY_ASSIGN(auto created, co_await client->create<CertificateSigningRequest>(bounded, std::move(request)));
  CO_TRY_ASSIGN(std::string certificate, co_await wait_for_certificate(bounded, client, created.metadata.name));
  co_return make_pair(std::move(certificate), key.to_pem());
}

namespace {

// The key of a first certificate that was asked for and has not come, or a new one.
Result<component::PrivateKey> ensure_bootstrap_key(rt::Disk& disk, const std::string& folder, const std::string& file) {
  if (const auto kept = disk.read(file)) {
    auto key = component::PrivateKey::parse_pem(*kept);
    if (key) return key;
  }
  TRY_ASSIGN(auto key, component::PrivateKey::generate_ec_p256());
  TRY(disk.make_directories(folder, key_folder_mode));
  TRY(disk.replace(file, key.to_pem(), key_mode));
  return key;
}

}  // namespace

rt::Task<Result<std::string>> bootstrap_client_certificate(rt::Context ctx, client::Client* bootstrap, std::string folder, std::string node_name) {
  rt::Runtime& runtime = bootstrap->runtime();
  const CertificateStore store(runtime.disk(), folder, "kubelet-client");
  const component::CertificateSpec spec = client_certificate_spec(node_name);
  Result<CertificatePair> pair = error(Reason::NotFound, "");
  co_await runtime.run_blocking([&store, &pair] { pair = store.load(); });
  const int64_t now = wall_seconds(runtime);
  if (pair && certifies(pair->info, spec) && pair->info.not_after > now) co_return store.current_path();
  const std::string key_file = folder + "/" + bootstrap_key_file;
  Result<component::PrivateKey> key = error(Reason::NotFound, "");
  co_await runtime.run_blocking([&] { key = ensure_bootstrap_key(runtime.disk(), folder, key_file); });
  if (!key) co_return Unexpected(std::move(key).error());
  pair = co_await request_certificate(ctx, bootstrap, client_signer, spec, *key, request_patience);
  if (!pair) co_return Unexpected(std::move(pair).error());
  Result<Unit> saved;
  co_await runtime.run_blocking([&] {
    saved = store.save(*pair, now);
    if (saved) (void)runtime.disk().remove(key_file);  // the pair has it
  });
  if (!saved) co_return Unexpected(std::move(saved).error());
  co_return store.current_path();
}

struct CertificateManager::State {
  State(CertificateManagerDeps s, CertificateManagerOptions o)
      : deps(std::move(s)), options(std::move(o)), store(deps.runtime.disk(), options.folder, options.name) {}
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> load();
  rt::Task<Result<Unit>> renew(rt::Context ctx, component::CertificateSpec spec);
  void take(CertificatePair pair);
  // How long the current certificate serves; nothing: there is none that does.
  std::optional<rt::Duration> good_for(const component::CertificateSpec& spec) const;

  CertificateManagerDeps deps;
  const CertificateManagerOptions options;
  CertificateStore store;
  std::optional<CertificatePair> current;
  int64_t renew_at = 0;
  rt::Event ready;
  rt::Event poked;
  rt::TaskGroup tasks;
};

void CertificateManager::State::take(CertificatePair pair) {
  const double share = static_cast<double>(deps.runtime.random().below(1000)) / 1000;
  renew_at = renewal_time(pair.info.not_before, pair.info.not_after, share);
  current = std::move(pair);
  if (current->info.not_after <= wall_seconds(deps.runtime)) return;
  ready.set();
  if (deps.on_change) deps.on_change();
}

std::optional<rt::Duration> CertificateManager::State::good_for(const component::CertificateSpec& spec) const {
  const int64_t now = wall_seconds(deps.runtime);
  if (!current || !certifies(current->info, spec) || renew_at <= now) return std::nullopt;
  if (!options.authority_pem.empty() && !component::is_issued_by(current->certificate_pem, options.authority_pem)) return std::nullopt;
  return std::chrono::seconds(renew_at - now);
}

rt::Task<void> CertificateManager::State::load() {
  Result<CertificatePair> pair = error(Reason::NotFound, "");
  co_await deps.runtime.run_blocking([this, &pair] { pair = store.load(); });
  if (pair) {
    take(std::move(*pair));
  } else if (pair.error().reason != Reason::NotFound) {
    log::warning("The certificate that was kept cannot be used; a new one is asked for",
                 {{"file", store.current_path()}, {"err", pair.error().message}});
  }
}

rt::Task<Result<Unit>> CertificateManager::State::renew(rt::Context ctx, component::CertificateSpec spec) {
  log::info(1, "Asking for a certificate", {{"name", options.name}, {"signer", options.signer}});
  CO_TRY_ASSIGN(auto key, component::PrivateKey::generate_ec_p256());
  auto pair = co_await request_certificate(ctx, &deps.client, options.signer, std::move(spec), std::move(key), request_patience);
  if (!pair) co_return Unexpected(std::move(pair).error());
  Result<Unit> saved;
  const int64_t now = wall_seconds(deps.runtime);
  co_await deps.runtime.run_blocking([this, &pair, &saved, &now] { saved = store.save(*pair, now); });
  if (!saved) co_return Unexpected(std::move(saved).error());
  take(std::move(*pair));
  co_return Unit{};
}

rt::Task<void> CertificateManager::State::run(rt::Context ctx) {
  co_await load();
  rt::Duration retry = retry_first;
  while (!ctx.done()) {
    poked.reset();
    const auto spec = deps.wanted();
    if (!spec) {
      (void)co_await poked.wait(ctx);
      continue;
    }
    const std::optional<rt::Duration> good = good_for(*spec);
    if (good) {
      const rt::Context until = ctx.with_timeout(std::min<rt::Duration>(*good, look_again));
      (void)co_await poked.wait(until);
      continue;
    }
    component::CertificateSpec asked = *spec;
    auto renewed = co_await renew(ctx, std::move(asked));
    if (ctx.done()) co_return;
    if (renewed && good_for(*spec)) {
      retry = retry_first;
      continue;
    }
    if (renewed) {
      log::warning("The certificate that was signed is not what was asked for, or is due at once; it is asked for again", {{"name", options.name}});
    } else {
      log::error("The certificate was not renewed", renewed.error(), {{"name", options.name}});
    }
    (void)co_await rt::sleep_for(ctx, retry);
    retry = std::min<rt::Duration>(retry * 2, retry_max);
  }
}

CertificateManager::CertificateManager(CertificateManagerDeps deps, CertificateManagerOptions options)
    : state_(std::make_unique<State>(std::move(deps), std::move(options))) {}
CertificateManager::~CertificateManager() = default;
void CertificateManager::start() { state_->tasks.spawn(state_->run(state_->tasks.context())); }
rt::Task<void> CertificateManager::stop() { co_await state_->tasks.close(); }
void CertificateManager::poke() { state_->poked.set(); }
rt::Task<Result<Unit>> CertificateManager::wait_ready(rt::Context ctx) { co_return co_await state_->ready.wait(ctx); }
const std::optional<CertificatePair>& CertificateManager::current() const { return state_->current; }
std::string CertificateManager::path() const { return state_->store.current_path(); }

}  // namespace pintle::kubelet::certificates
