#include "client/work_queue.h"
#include "controller/csr/controller.h"
#include "controller/csr/plan.h"

namespace pintle::controller::csr {

using CsrPtr = std::shared_ptr<const CertificateSigningRequest>;

namespace {

class Cleaner final : public Controller {
 public:
  explicit Cleaner(ControllerDeps deps)
      : deps_(deps),
        csrs_(deps.informers.of<CertificateSigningRequest>()),
        loop_(deps.loop("csrcleaner"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<CertificateSigningRequest>::Handler handler;
    handler.on_add = [this](const CsrPtr& csr, bool) { loop_.queue().add(csr->metadata.name); };
    handler.on_update = [this](const CsrPtr&, const CsrPtr& csr) { loop_.queue().add(csr->metadata.name); };
    csrs_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(1); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<CertificateSigningRequest> csrs_;
  client::ControlLoop loop_;
};

std::optional<int64_t> expiry_of(const CertificateSigningRequest& csr) {
  const auto ders = component::certificates_from_pem(csr.status.certificate);
  if (!ders || ders->empty()) return std::nullopt;
  const auto info = component::parse_certificate_der(ders->front());
  if (!info) return std::nullopt;
  return info->not_after;
}

rt::Task<Result<Unit>> Cleaner::sync(rt::Context ctx, std::string key) {
  const CsrPtr csr = csrs_.get(key);
  if (csr == nullptr) co_return Unit{};
  const auto when = deletion_time(*csr, expiry_of(*csr));
  if (!when) co_return Unit{};
  const rt::Duration wait = *when - deps_.runtime.clock().wall_now();
  if (wait > rt::Duration::zero()) {
    loop_.queue().add_after(key, wait);
    co_return Unit{};
  }
  client::DeleteOptions options;
  options.precondition_uid = csr->metadata.uid;
  auto done = co_await deps_.client.remove<CertificateSigningRequest>(std::move(ctx), "", key, std::move(options));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_csr_cleaner(ControllerDeps deps) { return std::make_unique<Cleaner>(std::move(deps)); }

}  // namespace pintle::controller::csr
