#include "client/work_queue.h"
#include "controller/csr/controller.h"
#include "controller/csr/plan.h"
#include "controller/objects/time.h"

namespace pintle::controller::csr {

using CsrPtr = std::shared_ptr<const CertificateSigningRequest>;

namespace {

class Signer final : public Controller {
 public:
  explicit Signer(ControllerDeps deps)
      : deps_(deps),
        csrs_(deps.informers.of<CertificateSigningRequest>()),
        loop_(deps.loop("certificate"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<CertificateSigningRequest>::Handler handler;
    handler.on_add = [this](const CsrPtr& csr, bool) { look_at(*csr); };
    handler.on_update = [this](const CsrPtr&, const CsrPtr& csr) { look_at(*csr); };
    csrs_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void look_at(const CertificateSigningRequest& csr) {
    if (is_approved(csr) && csr.status.certificate.empty() && !is_failed(csr) && deps_.options.signers.contains(csr.spec.signer_name))
      loop_.queue().add(csr.metadata.name);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> fail(rt::Context ctx, CertificateSigningRequest csr, std::string why);
  rt::Task<Result<Unit>> write(rt::Context ctx, CertificateSigningRequest csr);
  // BadRequest: the request asks for what no certificate can say.
  Result<std::string> sign(const CertificateSigningRequest& csr, const component::CertificateInfo& request, const SigningAuthority& authority) const;

  ControllerDeps deps_;
  client::Informer<CertificateSigningRequest> csrs_;
  client::ControlLoop loop_;
};

Result<std::string> Signer::sign(const CertificateSigningRequest& csr, const component::CertificateInfo& request,
                                 const SigningAuthority& authority) const {
  const auto key = component::PrivateKey::parse_pem(authority.key_pem);
  const auto issuers = component::certificates_from_pem(authority.certificate_pem);
  const auto issuer = issuers ? component::parse_certificate_der(issuers->front()) : Unexpected(issuers.error());
  if (!key || !issuer) return internal("the signer of " + csr.spec.signer_name + ": " + (key ? issuer.error() : key.error()).message);
  TRY_ASSIGN(const auto subject_key, component::certificate_request_key_pem(csr.spec.request));
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(deps_.runtime.clock().wall_now().time_since_epoch()).count();
  TRY_ASSIGN(component::CertificateSpec spec, plan_certificate(csr, request, {now, issuer->not_after, deps_.options.cluster_signing_duration}));
  spec.serial = deps_.runtime.random().next_u64() >> 1;
  return component::issue_certificate(spec, subject_key, *key, authority.certificate_pem);
}

rt::Task<Result<Unit>> Signer::write(rt::Context ctx, CertificateSigningRequest csr) {
  auto done = co_await deps_.client.update_status<CertificateSigningRequest>(std::move(ctx), std::move(csr));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> Signer::fail(rt::Context ctx, CertificateSigningRequest csr, std::string why) {
  api::certificates_v1::CertificateSigningRequestCondition condition;
  condition.type = "Failed";
  condition.status = "True";
  condition.reason = "SignerValidationFailure";
  condition.message = std::move(why);
  condition.last_update_time = condition.last_transition_time = apimachinery::to_api_time(deps_.runtime.clock().wall_now());
  csr.status.conditions.push_back(std::move(condition));
  co_return co_await write(std::move(ctx), std::move(csr));
}

rt::Task<Result<Unit>> Signer::sync(rt::Context ctx, std::string key) {
  const CsrPtr csr = csrs_.get(key);
  if (csr == nullptr || !is_approved(*csr) || !csr->status.certificate.empty() || is_failed(*csr)) co_return Unit{};
  const auto signer = deps_.options.signers.find(csr->spec.signer_name);
  if (signer == deps_.options.signers.end()) co_return Unit{};  // made again, for another signer
  const SigningAuthority& authority = signer->second;
  const auto request = component::parse_certificate_request_pem(csr->spec.request);
  if (!request) co_return co_await fail(std::move(ctx), *csr, "unable to parse csr \"" + key + "\": " + request.error().message);
  if (const auto why = refusal(*csr, *request)) co_return co_await fail(std::move(ctx), *csr, *why);
  auto certificate = sign(*csr, *request, authority);
  // What no certificate can say will not be sayable later.
  if (!certificate && certificate.error().reason == Reason::BadRequest) co_return co_await fail(std::move(ctx), *csr, certificate.error().message);
  if (!certificate) {
    deps_.events.warning(*csr, "SigningFailed", "The signer " + csr->spec.signer_name + " cannot sign: " + certificate.error().message);
    co_return Unexpected(std::move(certificate).error());
  }
  CertificateSigningRequest copy = *csr;
  copy.status.certificate = std::move(*certificate);
  co_return co_await write(std::move(ctx), std::move(copy));
}

}  // namespace

std::unique_ptr<Controller> make_csr_signer(ControllerDeps deps) { return std::make_unique<Signer>(std::move(deps)); }

}  // namespace pintle::controller::csr
